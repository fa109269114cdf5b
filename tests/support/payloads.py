"""A log that was written to harm whoever reads it: a payload behind every text that an attacker chooses."""

from typing import Any

PAYLOADS = {
    "displayName": "<img src=x onerror='window.ran=1'>",
    "alternateId": "<script>window.ran=1</script>",
    "rawUserAgent": "<a href='https://192.0.2.1/'>x</a>",
    "displayMessage": '<span style="fill:url(http://192.0.2.1/f)">x</span>',
    "city": "$\\href{javascript:window.ran=1}{x}$",
    "asOrg": "https://192.0.2.1/look \x1b[8m",
    "reason": "\u202e\u2066 ![x](http://192.0.2.1/i.png)",
    "state": "<b>%{customdata[0]}<br>",
}


def poisoned(value: Any, key: str = "") -> Any:
    """Return a record with a payload behind every text that an attacker chooses; equal texts stay equal."""
    if isinstance(value, dict):
        return {name: poisoned(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [poisoned(item, key) for item in value]
    return value + PAYLOADS[key] if isinstance(value, str) and key in PAYLOADS else value
