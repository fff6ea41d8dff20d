"""What becomes of each fault of the sandbox: of the client, the bill, the other endpoint, and the one that failed.

`the client sees` is where no other endpoint may answer: an HTTP status with its code, or 200 with the finish reason
and the code of the error chunk; "final" forbids SDKs to repeat it. `billed` is basis and reason in the ledger, `tokens`
the completion's there. `attempts` is what a request does that may go to a second endpoint; "next" is its answer.
`then` is the endpoint's state after two failures, `after five` after five: in service, out, or its credential cooling.
"""

from dataclasses import dataclass

TEXT = "[[echo]]12345678 2345678 345678 45678"  # four chunks

TABLE = """
fault             | asked  | the client sees            | billed                      | borne by | tokens | attempts           | then           | after five

--- dead after 0, 1, n chunks: the connection is cut, or the stream ends as if it were whole
cut-head          | plain  | 502 provider_error final   | not_charged cut             | house    | 0      | cut, next          | in service     | out
cut-head          | stream | 502 provider_error final   | not_charged cut             | house    | 0      | cut, next          | in service     | out
eof-head          | plain  | 502 provider_error final   | not_charged server          | house    | 0      | server, next       | in service     | out
eof-head          | stream | 502 provider_error         | not_charged cut             | nobody   | 0      | cut, next          | in service     | out
cut-0             | stream | 502 provider_error final   | not_charged cut             | house    | 0      | cut, next          | in service     | out
eof-0             | stream | 502 provider_error         | not_charged cut             | nobody   | 0      | cut, next          | in service     | out
cut-1             | stream | 200 error provider_error   | estimated cut               | caller   | 2      | answered           | in service     | out
eof-1             | stream | 200 error provider_error   | estimated cut               | caller   | 2      | answered           | in service     | out
cut-3             | plain  | 502 provider_error final   | not_charged cut             | house    | 0      | cut, next          | in service     | out
cut-3             | stream | 200 error provider_error   | estimated cut               | caller   | 6      | answered           | in service     | out
eof-3             | stream | 200 error provider_error   | estimated cut               | caller   | 6      | answered           | in service     | out
empty             | plain  | 200 without choices        | not_charged empty           | house    | 0      | answered           | in service     | in service
empty             | stream | 502 provider_error         | not_charged cut             | nobody   | 0      | cut, next          | in service     | out
nodone            | stream | 200 stop                   | reported                    | caller   | 8      | answered           | in service     | in service

--- 200, and then an error
error-200         | plain  | 502 provider_error         | not_charged in_band         | nobody   | 0      | in_band, next      | in service     | out
error-200         | stream | 502 provider_error         | not_charged in_band         | nobody   | 0      | in_band, next      | in service     | out
error-midstream-0 | stream | 502 provider_error         | not_charged in_band         | nobody   | 0      | in_band, next      | in service     | out
error-midstream-3 | stream | 200 error provider_error   | estimated in_band           | caller   | 6      | answered           | in service     | out

--- usage that is absent, zero, absurd (huge, negative, no numbers), or told twice
usage-missing     | plain  | 200 stop                   | estimated usage_missing     | caller   | 8      | answered           | in service     | in service
usage-missing     | stream | 200 stop                   | estimated usage_missing     | caller   | 8      | answered           | in service     | in service
usage-zero        | plain  | 200 stop                   | estimated usage_absurd      | caller   | 8      | answered           | in service     | in service
usage-zero        | stream | 200 stop                   | estimated usage_absurd      | caller   | 8      | answered           | in service     | in service
usage-absurd-0    | plain  | 200 stop                   | estimated usage_missing     | caller   | 8      | answered           | in service     | in service
usage-absurd-0    | stream | 200 stop                   | estimated usage_missing     | caller   | 8      | answered           | in service     | in service
usage-absurd-1    | plain  | 200 stop                   | estimated usage_missing     | caller   | 8      | answered           | in service     | in service
usage-absurd-2    | stream | 200 stop                   | estimated usage_missing     | caller   | 8      | answered           | in service     | in service
usage-twice       | plain  | 200 stop                   | reported                    | caller   | 8      | answered           | in service     | in service
usage-twice       | stream | 200 stop                   | reported                    | caller   | 8      | answered           | in service     | in service
usage-on-finish   | stream | 200 stop                   | reported                    | caller   | 8      | answered           | in service     | in service

--- what is no answer at all
html-200          | plain  | 502 provider_error final   | not_charged server          | house    | 0      | server, next       | in service     | out
html-200          | stream | 502 provider_error         | not_charged cut             | nobody   | 0      | cut, next          | in service     | out
html-502          | plain  | 502 provider_error         | not_charged server          | nobody   | 0      | server, next       | in service     | out
html-502          | stream | 502 provider_error         | not_charged server          | nobody   | 0      | server, next       | in service     | out
garbage           | plain  | 502 provider_error final   | not_charged server          | house    | 0      | server, next       | in service     | out
garbage           | stream | 502 provider_error final   | not_charged server          | house    | 0      | server, next       | in service     | out
redirect          | plain  | 502 provider_error         | not_charged server          | nobody   | 0      | server, next       | in service     | out
redirect          | stream | 502 provider_error         | not_charged server          | nobody   | 0      | server, next       | in service     | out
gzip              | plain  | 502 provider_error final   | not_charged server          | house    | 0      | server, next       | in service     | out
gzip              | stream | 502 provider_error final   | not_charged server          | house    | 0      | server, next       | in service     | out
longline          | plain  | 502 provider_error final   | not_charged too_large       | house    | 0      | too_large, next    | in service     | out
longline          | stream | 502 provider_error final   | not_charged too_large       | house    | 0      | too_large, next    | in service     | out

--- silence before the head, after it, midstream; a byte at a time; no end (what may be billed is sent to nobody else)
silence           | plain  | 504 provider_timeout final | not_charged timeout         | house    | 0      | timeout            | in service     | out
silence           | stream | 504 provider_timeout final | not_charged timeout         | house    | 0      | timeout            | in service     | out
silence-head      | plain  | 504 provider_timeout final | not_charged timeout         | house    | 0      | timeout            | in service     | out
silence-head      | stream | 504 provider_timeout final | not_charged timeout         | house    | 0      | timeout            | in service     | out
silence-0         | stream | 504 provider_timeout final | not_charged timeout         | house    | 0      | timeout            | in service     | out
silence-3         | stream | 200 error provider_timeout | estimated timeout           | caller   | 6      | answered           | in service     | out
bytewise          | plain  | 200 stop                   | reported                    | caller   | 8      | answered           | in service     | in service
bytewise          | stream | 200 stop                   | reported                    | caller   | 8      | answered           | in service     | in service
endless           | plain  | 504 provider_timeout final | not_charged timeout         | house    | 0      | timeout            | in service     | out
endless           | stream | 200 error provider_timeout | estimated timeout           | caller   | some   | answered           | in service     | out

--- error statuses
400               | plain  | 400 invalid_request_error  | not_charged invalid_request | nobody   | 0      | invalid_request    | in service     | in service
400               | stream | 400 invalid_request_error  | not_charged invalid_request | nobody   | 0      | invalid_request    | in service     | in service
401               | plain  | 502 provider_error         | not_charged credential      | nobody   | 0      | credential, next   | cools, refused | cools, refused
401               | stream | 502 provider_error         | not_charged credential      | nobody   | 0      | credential, next   | cools, refused | cools, refused
403               | plain  | 502 provider_error         | not_charged credential      | nobody   | 0      | credential, next   | cools, refused | cools, refused
404               | plain  | 502 provider_error         | not_charged not_found       | nobody   | 0      | not_found, next    | in service     | in service
404               | stream | 502 provider_error         | not_charged not_found       | nobody   | 0      | not_found, next    | in service     | in service
limited-20        | plain  | 429 upstream_rate_limited  | not_charged rate_limited    | nobody   | 0      | rate_limited, next | cools 20 s     | cools 20 s
limited-3600      | plain  | 429 upstream_rate_limited  | not_charged rate_limited    | nobody   | 0      | rate_limited, next | cools 60 s     | cools 60 s
limited-3600      | stream | 429 upstream_rate_limited  | not_charged rate_limited    | nobody   | 0      | rate_limited, next | cools 60 s     | cools 60 s
500               | plain  | 502 provider_error         | not_charged server          | nobody   | 0      | server, next       | in service     | out
500               | stream | 502 provider_error         | not_charged server          | nobody   | 0      | server, next       | in service     | out
503               | plain  | 503 overloaded             | not_charged overloaded      | nobody   | 0      | overloaded, next   | in service     | out
503               | stream | 503 overloaded             | not_charged overloaded      | nobody   | 0      | overloaded, next   | in service     | out
"""  # noqa: E501 - a table is read in columns


@dataclass(frozen=True, slots=True)
class Row:
    """One line; `expected` are its columns after the first two, by their names."""

    fault: str
    asked: str
    expected: dict[str, str]

    @property
    def streamed(self) -> bool:
        return self.asked == "stream"

    def __str__(self) -> str:
        return f"{self.fault}-{self.asked}"


def _rows() -> list[Row]:
    lines = [line for line in TABLE.splitlines() if line and not line.startswith("---")]
    names, *cells = ([cell.strip() for cell in line.split("|")] for line in lines)
    return [Row(row[0], row[1], dict(zip(names[2:], row[2:], strict=True))) for row in cells]


ROWS = _rows()
