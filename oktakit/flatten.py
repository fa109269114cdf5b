"""Events to the tables: parts that repeat by their number, what is an event's own by its value. The hot path."""

import re
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .model import Event, Outline, Transaction, compact, decode_debug, decode_transaction
from .parts import Unfit, as_text, folded, members, new_parts, noted_services
from .repair import Trouble, parse, read_flag
from .schema import COLUMNS, EXPORTS, FEEDBACK, TARGET_COLUMNS, Column

ROWS = 50_000
PARTS = 20_000
ARROW = {
    "text": pa.string(),
    "json": pa.string(),
    "time": pa.timestamp("us", "UTC"),
    "bool": pa.bool_(),
    "int": pa.int64(),
    "count": pa.int64(),
    "float": pa.float64(),
}
ROW = Column("_row", "", "count", "number while reading")

_TYPES = {column.name: ARROW[column.kind] for column in (*COLUMNS, *TARGET_COLUMNS, ROW)}
_HEAD = ("event_type", "severity", "display_message")
_OWN = ("uuid", "published", "transaction_id", "transaction_type", "api_token_id", "ip_categories")
_DEBUG = ("job_id", "request_uri", "trace_id", "dt_hash", "_noted_level", "_noted_detection", "threat_suspected")
_VERDICT = ("judged_uuid", "judged_type", "feedback_label", "feedback_reason")
_REST = ("debug_data", "extra", "source", "record", "issues", "_row")
_NOTED = frozenset(("proxytype", "tunnels", "anonymizerstatus", "associatedproxies"))
_WEB = re.compile(rb'\{"type":"(\w+)","id":"([!#-\[\]-~]+)","detail":\{\}\}').fullmatch
_JOB = re.compile(r"/download/([^/?#]+?)(?:\.[A-Za-z0-9]+)?(?:[?#]|$)")
_LEVEL = re.compile(r"\blevel\"?\s*[=:]\s*\"?(\w+)", re.IGNORECASE)
_DETECTION = re.compile(r"detection_?name\"?\s*[=:]\s*\"?([^\",}]+)", re.IGNORECASE)


class Rows:
    """Collects events one by one and gives them back as Arrow batches."""

    def __init__(self) -> None:
        """Start empty."""
        self.batches: list[pa.RecordBatch] = []
        self.targets: list[pa.RecordBatch] = []
        self.count = 0
        self._start()

    def _start(self) -> None:
        self.parts = new_parts()
        self.list = list(self.parts.values())
        self.heads: dict[tuple[Any, ...], int] = {}
        self.numbers: list[tuple[int, ...]] = []
        self.own: list[tuple[Any, ...]] = []
        self.seen: set[tuple[int, int]] = set()

    def add_text(self, raw: bytes, event: Outline, source: str, record: int) -> None:
        """Add an event whose text is as documented; raise Unfit, and add nothing, where it is not in every detail."""
        parts = (
            *(event.actor, event.client, event.device, event.authentication_context),
            *(event.outcome, event.security_context, event.request, event.target),
        )
        numbers = [part.find(text) for part, text in zip(self.list, parts, strict=True)]
        head = self._head(event)
        self._verify(raw, head, len(raw) - sum(map(len, parts)) - len(event.debug_context) - len(event.transaction))
        debug = _debug(event.debug_context)
        self._add(event, head, numbers, _transaction(event.transaction), debug, "", (source, record, ""))

    def add(self, event: Event, extra: dict[str, Any], flags: str, source: str, record: int) -> None:
        """Add an event that was repaired, with the fields that Okta does not document."""
        numbers = [part.add(getattr(event, name)) for name, part in self.parts.items()]
        transaction = event.transaction or Transaction()
        debug = event.debug_context.debug_data if event.debug_context else None
        self._add(event, self._head(event), numbers, transaction, debug, members(**extra), (source, record, flags))

    def _head(self, event: Event | Outline) -> int:
        key = (event.event_type, event.severity, event.display_message, event.version, event.legacy_event_type)
        return self.heads.setdefault(key, len(self.heads))

    def _verify(self, raw: bytes, head: int, rest: int) -> None:
        """Make sure that no top-level key is given twice, by the length of what is not in a part."""
        if (head, rest) not in self.seen:
            trouble = Trouble()
            parse(raw, trouble)
            if trouble.flags:
                raise Unfit
            self.seen.add((head, rest))

    def _add(
        self,
        event: Event | Outline,
        head: int,
        numbers: list[int],
        transaction: Transaction,
        debug: dict[str, Any] | None,
        extra: str,
        place: tuple[str, int, str],
    ) -> None:
        cells = [part.cells[number] for part, number in zip(self.list, numbers, strict=True)]
        noted = folded(debug)
        more = [cell[-1] for cell in cells[:-1] if cell[-1]]
        detail = transaction.detail
        token = as_text(folded(detail).get("requestapitokenid")) if detail else None
        more += [members(transaction__detail=detail)] if detail else []
        more += [extra] if extra else []
        self.own.append(
            (
                *(event.uuid, event.published, transaction.id, transaction.type, token),
                _categories([word for cell in cells for word in cell[-2]], noted),
                *_noted(event.event_type, noted),
                *(compact(debug) if debug else None, ",".join(more), *place, self.count),
            )
        )
        self.numbers.append((head, *numbers))
        self.count += 1
        if len(self.own) >= ROWS or max(len(part.cells) for part in self.list) >= PARTS:
            self.flush()

    def flush(self) -> None:
        """Put what was collected into a batch of each table."""
        numbers = [pa.array(column, pa.int32()) for column in zip(*self.numbers, strict=True)] or [
            pa.array([], pa.int32())
        ] * 9
        columns = _arrays((*_OWN, *_DEBUG, *_VERDICT, *_REST), self.own)
        columns |= _taken(_HEAD, [key[:3] for key in self.heads], numbers[0])
        for part, number in zip(self.list, numbers[1:], strict=True):
            columns |= _taken(part.columns, [cells[: len(part.columns)] for cells in part.cells], number)
        columns["ip_chain"] = pc.coalesce(columns["ip_chain"], columns["_client_chain"])
        columns["risk_level"] = pc.coalesce(columns["_level"], columns["_noted_level"])
        columns["detection_name"] = pc.coalesce(columns["_detection"], columns["_noted_detection"])
        columns["extra"] = _braced(
            columns["extra"], [members(version=key[3], legacyEventType=key[4]) for key in self.heads], numbers[0]
        )
        wanted = [column.name for column in (*COLUMNS, ROW)]
        self.batches.append(pa.RecordBatch.from_arrays([columns[name] for name in wanted], wanted))
        self.targets.append(_target_batch(columns, self.parts["target"].cells, numbers[-1]))
        self._start()


def _arrays(names: tuple[str, ...], rows: list[tuple[Any, ...]]) -> dict[str, pa.Array]:
    values = zip(*rows, strict=True) if rows else [()] * len(names)
    return {name: pa.array(column, _TYPES.get(name, pa.string())) for name, column in zip(names, values, strict=True)}


def _taken(names: tuple[str, ...], cells: list[tuple[Any, ...]], numbers: pa.Array) -> dict[str, pa.Array]:
    """Return columns from distinct cells and the number of the cell for each event."""
    return {name: array.take(numbers) for name, array in _arrays(names, cells).items()}


def _braced(more: pa.Array, heads: list[str], numbers: pa.Array) -> pa.Array:
    """Return the members of `extra` as a JSON object, missing where there are none."""
    head = pa.array(heads, pa.string()).take(numbers)
    both = pc.and_(pc.not_equal(head, ""), pc.not_equal(more, ""))
    joined = pc.binary_join_element_wise(head, pc.if_else(both, ",", ""), more, "")
    return pc.if_else(pc.equal(joined, ""), None, pc.binary_join_element_wise("{", joined, "}", ""))


def _target_batch(columns: dict[str, pa.Array], cells: list[tuple[Any, ...]], numbers: pa.Array) -> pa.RecordBatch:
    """Return one row per target: the distinct lists of targets, repeated for each event that has them."""
    names = tuple(column.name for column in TARGET_COLUMNS[1:])
    rows = _arrays(names, [row for cell in cells for row in cell[-1]])
    sizes = np.array([len(cell[-1]) for cell in cells])
    starts = np.cumsum(sizes) - sizes
    of_event = numbers.to_numpy()
    count = sizes[of_event]
    event = np.repeat(np.arange(len(of_event)), count)
    within = np.arange(len(event)) - np.repeat(np.cumsum(count) - count, count)
    wanted = pa.array(np.repeat(starts[of_event], count) + within)
    arrays = [columns["uuid"].take(pa.array(event)), *(rows[name].take(wanted) for name in names)]
    return pa.RecordBatch.from_arrays([*arrays, columns["_row"].take(pa.array(event))], ["uuid", *names, "_row"])


def _transaction(raw: Any) -> Transaction:
    text = bytes(raw)
    if found := _WEB(text):
        return Transaction(type=found[1].decode(), id=found[2].decode())
    _once(text)
    return decode_transaction(text) or Transaction() if text else Transaction()


def _debug(raw: Any) -> dict[str, Any] | None:
    text = bytes(raw)
    debug = decode_debug(text) if text else None
    data = debug.debug_data if debug else None
    if text and text.count(b'":') - text.count(b'\\":') != len(data or ()) + (debug is not None):
        _once(text)
    return data


def _once(text: bytes) -> None:
    """Make sure that a text names no key twice."""
    trouble = Trouble()
    parse(text or b"null", trouble)
    if trouble.flags:
        raise Unfit


def _noted(event_type: str, debug: dict[str, Any]) -> tuple[Any, ...]:
    get = debug.get
    uri, risk, threat = as_text(get("requesturi")), get("risk"), get("threatsuspected")
    level, detection = (
        (None, None) if risk is None else (_found(_LEVEL, as_text(risk)), _found(_DETECTION, as_text(risk)))
    )
    job = as_text(get("jobid"))
    if not job and event_type in EXPORTS:
        job = _found(_JOB, uri) or _found(_JOB, as_text(get("url")))
    common = (job or None, uri, as_text(get("traceid")), as_text(get("dthash")), level)
    judged: tuple[str | None, ...] = (None, None, None, None)
    if event_type == FEEDBACK:
        judged = tuple(as_text(get(key)) for key in ("eventuuid", "eventtype", "label", "reason"))
    named = as_text(get("detectionname")) or detection
    return (*common, named, None if threat is None else read_flag(threat), *judged)


def _found(pattern: re.Pattern[str], text: str | None) -> str | None:
    match = pattern.search(text) if text else None
    return match[1] if match else None


def _categories(words: list[str], debug: dict[str, Any]) -> str | None:
    """Return everything that marks the address as a proxy, from wherever the record says so."""
    if not debug.keys().isdisjoint(_NOTED):
        words += noted_services(debug)
    return (
        " ".join(sorted({word.strip().upper().replace(" ", "_") for word in words} - {""})) or None if words else None
    )
