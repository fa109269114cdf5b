"""Hostile structure and encoding: a spoilt record costs itself alone, and is named for what it is."""

import json

import pytest

import oktakit as ok
from hostile import ONE, TWO, account, between, kept, line, neighbours_are_whole, rejected, says, third
from records import event, uuid

DEEP = 100_000
SPOILT = {
    # cut off
    "cut in a key": (line(TWO)[:4], "truncated"),
    "cut in a value": (line(TWO)[:40], "truncated"),
    "cut in an escape": (third(r'"x":"a\u00')[:-1], "truncated"),
    "cut behind a backslash": (third('"x":"a\\')[:-1], "truncated"),
    "cut in a number": (third('"x":12')[:-1], "truncated"),
    "cut in a character of UTF-8": (third('"x":"é')[:-2], "truncated"),
    "cut in a literal": (third('"x":tru')[:-1], "truncated"),
    "cut behind a colon": (third('"x":')[:-1], "truncated"),
    "cut in an inner object": (third('"actor":{"id":"a"')[:-1], "truncated"),
    "a quotation mark too many": (third('"x":"a""'), "truncated"),
    "objects that never end": (b'{"a":' * DEEP, "truncated"),
    "lists in a record that never end": (third('"x":' + "[" * DEEP), "truncated"),
    # no JSON
    "words": (b"not json", "bad_json"),
    "a comment": (b"// rotated", "bad_json"),
    "single quotation marks": (third('"x":1').replace(b'"', b"'"), "bad_json"),
    "words of Python": (third('"x":True'), "bad_json"),
    "an undefined value": (third('"x":undefined'), "bad_json"),
    "a comma too many": (third('"x":1,'), "bad_json"),
    "a comma too few": (third('"x":1 "y":2'), "bad_json"),
    "a key without a value": (third('"x"'), "bad_json"),
    "a key that is no text": (third("7:1"), "bad_json"),
    "a leading zero": (third('"x":01'), "bad_json"),
    "a plus sign": (third('"x":+1'), "bad_json"),
    "a bare decimal point": (third('"x":1.'), "bad_json"),
    "a hexadecimal number": (third('"x":0x1F'), "bad_json"),
    "an escape that does not exist": (third(r'"x":"\x41"'), "bad_json"),
    "an escape of two digits": (third(r'"x":"\u41"'), "bad_json"),
    "a tab inside a text": (third('"displayMessage":"a\tb"'), "bad_json"),
    "a carriage return inside a text": (third('"x":"a\rb"'), "bad_json"),
    "a tab inside debug data": (third('"debugContext":{"debugData":{"a":"x\ty"}}'), "bad_json"),
    "a closing bracket of the wrong kind": (third('"x":[1}'), "bad_json"),
    # bytes
    "a block of NUL": (b"\0" * 4096, "nul_bytes"),
    "NUL inside a text": (third('"x":"a\0b"'), "nul_bytes"),
    "Latin-1": (third('"x":"@"').replace(b"@", b"\xe9"), "bad_encoding"),
    "Latin-1 in a documented field": (third('"displayMessage":"@"').replace(b"@", b"\xe9"), "bad_encoding"),
    "Latin-1 in a part": (third('"actor":{"id":"@"}').replace(b"@", b"\xe9"), "bad_encoding"),
    "Latin-1 in debug data": (
        third('"debugContext":{"debugData":{"a":"@"}}').replace(b"@", b"\xe9"),
        "bad_encoding",
    ),
    "a slash in two bytes": (third('"x":"@"').replace(b"@", b"\xc0\xaf"), "bad_encoding"),
    "NUL in two bytes": (third('"x":"@"').replace(b"@", b"\xc0\x80"), "bad_encoding"),
    "a surrogate in UTF-8": (third('"x":"@"').replace(b"@", b"\xed\xa0\x80"), "bad_encoding"),
    "a character in five bytes": (third('"x":"@"').replace(b"@", b"\xf8\x88\x80\x80\x80"), "bad_encoding"),
    "a character beyond the last": (third('"x":"@"').replace(b"@", b"\xf4\x90\x80\x80"), "bad_encoding"),
    # JSON, but no event
    "a number": (b"42", "not_object"),
    "a text": (b'"uuid"', "not_object"),
    "nothing": (b"null", "not_object"),
    "an empty object": (b"{}", "no_event_type"),
    "an API error": (b'{"errorCode":"E0000011","errorSummary":"Invalid token provided"}', "api_error"),
    "an empty envelope": (b'{"events":[]}', "no_event_type"),
    "a text in an envelope that is cut off": (b'{"message":"{\\"uuid\\":"}', "bad_json"),
    "an event in twelve envelopes": (b'{"event":' * 12 + third('"x":1') + b"}" * 12, "no_event_type"),
    "no uuid": (line({"eventType": "user.session.start"}), "no_uuid"),
    "an empty uuid": (line({**TWO, "uuid": ""}), "no_uuid"),
    "an empty uuid beside an undocumented key": (line({**TWO, "uuid": "", "x": 1}), "no_uuid"),
    "a null uuid": (line({**TWO, "uuid": None}), "no_uuid"),
    "an empty event type": (line({**TWO, "eventType": ""}), "no_event_type"),
    "an empty event type beside an undocumented key": (line({**TWO, "eventType": "", "x": 1}), "no_event_type"),
    "an event type that is an empty object": (line({**TWO, "eventType": {}}), "no_event_type"),
    # too deep
    "lists without end in an undocumented field": (third('"x":' + "[" * DEEP + "]" * DEEP), "too_deep"),
    "objects without end in an undocumented field": (third('"x":' + '{"a":' * DEEP + "1" + "}" * DEEP), "too_deep"),
    "lists without end in debug data": (
        third('"debugContext":{"debugData":{"x":' + "[" * DEEP + "]" * DEEP + "}}"),
        "too_deep",
    ),
    "lists without end in place of a target": (third('"target":' + "[" * DEEP + "]" * DEEP), "too_deep"),
}


@pytest.mark.parametrize("case", SPOILT)
def test_a_spoilt_line_costs_itself_alone(case):
    """The line is rejected with its number and its reason; the lines before and after it are kept exactly."""
    raw, reason = SPOILT[case]
    log = ok.read_log(between(raw))
    assert account(log) == (3, 2, 0, 1)
    assert rejected(log) == [(2, reason)]
    assert neighbours_are_whole(log)


FIVE, SIX = third('"x":1', 5), third('"severity":"INFO"', 6)
ARRANGED = {
    "two events without anything between them": (FIVE + SIX, [5, 6], []),
    "two arrays without anything between them": (b"[" + FIVE + b"][" + SIX + b"]", [5, 6], []),
    "two events with a carriage return between them": (FIVE + b"\r" + SIX, [5, 6], []),
    "an event with a carriage return behind it": (FIVE + b"\r", [5], []),
    "an array in an array": (b"[[" + FIVE + b"]]", [5], []),
    "an event and a brace too many": (FIVE + b"}", [5], ["bad_json"]),
    "an event and a bracket too many": (FIVE + b"]", [5], ["bad_json"]),
    "a bracket that is never closed": (b"[" + FIVE, [5], []),
    "100,000 brackets that are never closed": (b"[" * DEEP, [], []),
    "an empty array": (b"[]", [], []),
    "commas": (b",,,", [], []),
    "blanks": (b" \t \r", [], []),
    "an event and what is none in an array": (b"[" + FIVE + b",null,1]", [5], ["not_object", "not_object"]),
    "an event behind a word": (b"data: " + FIVE, [5], ["bad_json"]),
    "an event behind a vertical tab": (b"\x0b" + FIVE, [5], ["bad_json"]),
    "an event behind NUL": (b"\0\0" + FIVE, [5], ["nul_bytes"]),
    "an event before a comment": (FIVE + b" // last", [5], ["bad_json"]),
    "an event before one that is cut off": (FIVE + SIX[:50], [5], ["truncated"]),
    "an event behind a byte-order mark": (b"\xef\xbb\xbf" + FIVE, [5], []),
    "an event in nine envelopes": (b'{"event":' * 9 + FIVE + b"}" * 9, [5], []),
    "an event with a line separator in a text": (third('"x":"a\u2028b\u2029\u0085"', 5), [5], []),
}


@pytest.mark.parametrize("case", ARRANGED)
def test_odd_arrangements_on_one_line_are_read(case):
    """Whole events are kept whatever stands around them, and what stands there is counted once."""
    raw, numbers, reasons = ARRANGED[case]
    log = ok.read_log(between(raw))
    assert account(log) == (2 + len(numbers) + len(reasons), 2 + len(numbers), 0, len(reasons))
    assert kept(log) == [(1, 1, ""), *((number, 2, "") for number in numbers), (2, 3, "")]
    assert rejected(log) == [(2, reason) for reason in reasons]
    assert neighbours_are_whole(log)


def test_a_newline_inside_a_text_costs_that_record():
    """A record that was broken over two lines is one rejection; the next line is an event again."""
    log = ok.read_log(between(third('"x":"a\nb"')))
    assert (account(log), rejected(log)) == ((3, 2, 0, 1), [(2, "truncated")])
    assert kept(log) == [(1, 1, ""), (2, 4, "")]


def test_a_pretty_array_without_indents_is_read():
    """Line breaks alone do not cut a record in two."""
    log = ok.read_log(json.dumps([ONE, TWO], indent=0).encode())
    assert (account(log), rejected(log)) == ((2, 2, 0, 0), [])
    assert neighbours_are_whole(log)


@pytest.mark.parametrize("indent", [None, 0, 2])
def test_an_array_that_is_cut_off_loses_its_last_element(indent):
    """The whole element is kept, the other is the second record and was cut off."""
    log = ok.read_log(json.dumps([ONE, TWO], indent=indent).encode()[:-30])
    assert (account(log), rejected(log), kept(log)) == ((2, 1, 0, 1), [(2, "truncated")], [(1, 1, "")])


def test_a_list_without_commas_is_read():
    """Elements are told apart by their braces."""
    log = ok.read_log(b"[" + line(ONE) + line(TWO) + b"]")
    assert account(log) == (2, 2, 0, 0)
    assert neighbours_are_whole(log)


def test_an_array_behind_lines_is_read():
    """One file may begin with a line per event and go on with an indented array."""
    log = ok.read_log(line(ONE) + b"\n" + json.dumps([TWO], indent=2).encode())
    assert account(log) == (2, 2, 0, 0)
    assert neighbours_are_whole(log)


def test_what_is_deep_but_not_too_deep_is_kept_whole():
    """400 levels of an undocumented list are no trouble, and all of them are kept."""
    log = ok.read_log(between(third('"x":' + "[" * 400 + "1" + "]" * 400)))
    assert kept(log) == [(1, 1, ""), (3, 2, ""), (2, 3, "")]
    assert says(log, 3)["extra"] == '{"x":' + "[" * 400 + "1" + "]" * 400 + "}"


def test_one_uuid_with_deep_debug_data_is_compared():
    """Two records of one uuid that differ 600 levels down are both kept and flagged."""
    deep = '"debugContext":{"debugData":{"x":' + '{"a":' * 600 + "%d" + "}" * 600 + "}}"
    log = ok.read_log(between(third(deep % 1) + b"\n" + third(deep % 2)))
    assert account(log) == (4, 4, 0, 0)
    assert kept(log) == [(1, 1, ""), (3, 2, "uuid_conflict"), (3, 3, "uuid_conflict"), (2, 4, "")]


def test_an_event_with_another_one_in_its_raw_text_is_not_lost():
    """Text that looks like the original of an event but has another uuid does not take its place."""
    log = ok.read_log(between(line({**event(5, "a.b"), "_raw": json.dumps(event(6, "a.b"))})))
    assert uuid(5) in set(log.events["uuid"])


def test_ten_thousand_duplicates_are_one_event():
    """The same line again and again is kept once."""
    log = ok.read_log(b"\n".join([line(ONE), *[third('"x":1')] * 10_001, line(TWO)]))
    assert account(log) == (10_003, 3, 10_000, 0)
    assert neighbours_are_whole(log)
