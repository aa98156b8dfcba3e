"""What a live run is told, and what it answers: the payloads of a journal.

A live run is a pure function of its inputs (`Input`): the same inputs in the same order give the
same outcomes bit for bit, which is what recovery and verification compare.
"""

from typing import ClassVar

import msgspec


class Message(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A payload; times are UTC nanoseconds."""

    is_input: ClassVar[bool] = False


class Started(Message, frozen=True, kw_only=True):
    """The first record of every start of the process, and what it runs.

    `digests` are those of config, code, data and environment; `config` is the canonical text.
    `accepted_change` says that an operator allowed a config other than the last one's, `shadow`
    that a shadow takes every bar of this start, and ends the run where it differs.
    """

    is_input: ClassVar[bool] = True

    lineage: str  # id of the run, kept over restarts
    mode: str  # paper, shadow or live
    config: bytes
    digests: dict[str, str]
    accepted_change: str = ""
    shadow: bool = False


class BarInput(Message, frozen=True, kw_only=True):
    """A closed bar that the feed guard let through."""

    is_input: ClassVar[bool] = True

    ts_ns: int
    symbol: str
    open: float
    high: float
    low: float
    close: float
    volume: float
    warm: bool = False  # replayed history: features and state advance, no order may be made


class Report(Message, frozen=True, kw_only=True):
    """What a venue says of an order: FIX execution report, one change of state each.

    `report_id` is unique within venue and account; one that was seen before changes nothing.
    """

    is_input: ClassVar[bool] = True

    report_id: str
    client_id: str
    order_id: int  # of the engine; 0 for an order that is not ours
    ts_ns: int
    status: str  # a name of `reasons.STATUSES`
    lots: int = 0  # signed, filled by this report
    price: float = 0.0
    fee: float = 0.0
    maker: bool = False
    reason: str = ""
    symbol: str = ""
    total: int | None = None  # signed, filled so far by the venue's count; None: not said
    adopted: bool = False  # a fill that fits no working order of ours and is booked all the same


class Command(Message, frozen=True, kw_only=True):
    """What an operator, or a limit outside the strategy, orders: effective before the next bar."""

    is_input: ClassVar[bool] = True

    action: str  # freeze (no new orders), flatten (and close all), resume
    origin: str  # file, signal, command, limit, feed, disk
    reason: str = ""
    ts_ns: int = 0
    limit: str = ""  # the one that was broken, of those that act once: day_loss


class Intent(Message, frozen=True, kw_only=True):
    """What is to be sent to a venue; journaled before it is sent.

    `client_id` is made of lineage, strategy, instrument, bar time and ordinal, so that the same
    run gives the same id. Prices are 0 where there is none.
    """

    client_id: str
    action: str  # submit, replace or cancel
    order_id: int
    symbol: str
    ts_ns: int  # close of the bar, or time of the report, that led to it
    kind: str = ""
    time_in_force: str = ""
    lots: int = 0  # signed
    limit: float = 0.0
    stop: float = 0.0
    trail: float = 0.0
    trail_rate: float = 0.0
    until_ns: int = 0
    reduce_only: bool = False


class Outcome(Message, frozen=True, kw_only=True):
    """What an input led to: the digest that a replay must find again.

    `checksum` covers the whole state, `events` is a digest of the events, `last_event` the
    sequence of the last of them.
    """

    input_sequence: int
    checksum: int
    events: int
    last_event: int


class Sent(Message, frozen=True, kw_only=True):
    """An intent was handed to the venue; without this record it may or may not have been."""

    client_id: str
    action: str
    attempt: int = 1
    refused: bool = False  # the venue said at once that it does not take it
    ts_ns: int = 0  # by the gateway's time; what counts orders by the minute goes on from it


class DayBegan(Message, frozen=True, kw_only=True):
    """The first bar of a UTC day, and the equity at it: from there the day's loss is counted."""

    ts_ns: int
    equity: float


class Expired(Message, frozen=True, kw_only=True):
    """An intent that was not sent in time and never will be."""

    client_id: str
    reason: str


class Note(Message, frozen=True, kw_only=True):
    """Something for a reader: a fault of the feed, an alert, a reconciliation."""

    rule: str  # id of the fault or rule, such as L02
    text: str
    counts: dict[str, int] = {}
    report_id: str = ""  # of a report that was set aside: it changes nothing if it comes again


class Ended(Message, frozen=True, kw_only=True):
    """The process stopped in order; `status` is ended, diverged or failed."""

    status: str
    text: str = ""


AnyMessage = (
    Started
    | BarInput
    | Report
    | Command
    | Intent
    | Outcome
    | Sent
    | Expired
    | DayBegan
    | Note
    | Ended
)

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(AnyMessage)


def encode(message: Message) -> bytes:
    """Return the payload of a message."""
    return _encoder.encode(message)


def decode(payload: bytes) -> AnyMessage:
    """Return the message of a payload; raises msgspec.MsgspecError for anything else."""
    message: AnyMessage = _decoder.decode(payload)
    return message
