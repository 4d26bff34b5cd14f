"""Stand-ins of the vendors' APIs on the loopback, with state that changes while it is read."""
# ruff: noqa: ARG002  all answer by one interface

from __future__ import annotations

import json
import re
import threading
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Json = dict[str, Any]
TOKEN = "secret-of-the-api"  # noqa: S105  of the fakes
START = datetime(2024, 3, 1, tzinfo=timezone.utc)


def iso(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03d}Z"


class Refused(Exception):  # noqa: N818  an answer, not a mistake of the test
    """An answer other than 200."""

    def __init__(self, status: int, headers: dict[str, str] | None = None) -> None:
        super().__init__(status)
        self.status, self.headers = status, headers or {}


class Fake:
    """Base: state, a clock, and a hook before each request."""

    header = "Authorization"
    token = f"Bearer {TOKEN}"

    def __init__(self) -> None:
        self.now = START
        self.requests = 0
        self.before: Callable[[int], None] = lambda _number: None

    def tick(self, minutes: float = 10) -> datetime:
        self.now += timedelta(minutes=minutes)
        return self.now

    def answer(self, method: str, path: str, query: dict[str, str], body: Json) -> Json:
        raise NotImplementedError

    def expected(self) -> list[Json]:
        """Return the rows that a complete pull lands, in any order."""
        raise NotImplementedError


class HubSpotDeals(Fake):
    """Deals with the history of their stages: search, and one deal. A search ends after `longest_search` objects."""

    longest_search = 10_000

    def __init__(self) -> None:
        super().__init__()
        self.deals: dict[str, Json] = {}

    def move(self, deal: str, stage: str, amount: str | None = None, *, minutes: float = 10) -> None:
        """Change the stage of a deal, which is created if it is new."""
        at = self.tick(minutes)
        known = self.deals.setdefault(deal, {"history": [], "amount": amount})
        known["history"].insert(0, {"value": stage, "timestamp": iso(at), "sourceType": "CRM_UI"})
        known.update(modified=at, amount=amount or known["amount"])

    def touch(self, deal: str, amount: str) -> None:
        """Change the amount of a deal, and not its stage."""
        self.deals[deal].update(modified=self.tick(), amount=amount)

    def answer(self, method: str, path: str, query: dict[str, str], body: Json) -> Json:
        if (method, path) == ("POST", "/crm/v3/objects/deals/search"):
            return self._search(body)
        found = re.fullmatch(r"/crm/v3/objects/deals/(\w+)", path)
        if method != "GET" or found is None or found[1] not in self.deals:
            raise Refused(404)
        assert query["propertiesWithHistory"] == "dealstage"
        deal = self.deals[found[1]]
        return {
            "id": found[1],
            "properties": {"amount": deal["amount"], "deal_currency_code": "EUR", "pipeline": "default"},
            "propertiesWithHistory": {"dealstage": deal["history"]},
            "associations": {"contacts": {"results": [{"id": f"c{found[1]}", "type": "deal_to_contact"}]}},
        }

    def _search(self, body: Json) -> Json:
        (condition,) = body["filterGroups"][0]["filters"]
        assert (condition["propertyName"], condition["operator"]) == ("hs_lastmodifieddate", "GTE")
        since = datetime.fromtimestamp(int(condition["value"]) / 1000, tz=timezone.utc)
        found = sorted((d["modified"], key) for key, d in self.deals.items() if d["modified"] >= since)
        skip, limit = int(body.get("after", 0)), body["limit"]
        if skip + limit > self.longest_search:
            raise Refused(400)
        page = found[skip : skip + limit]
        results = [{"id": key, "properties": {"hs_lastmodifieddate": iso(at)}} for at, key in page]
        paging = {"paging": {"next": {"after": str(skip + limit)}}} if len(found) > skip + limit else {}
        return {"total": len(found), "results": results, **paging}

    def expected(self) -> list[Json]:
        return [
            {"deal_id": key, "value": change["value"], "changed_at": _ms(change["timestamp"])}
            for key, deal in self.deals.items()
            for change in deal["history"]
        ]


class ShopifyOrders(Fake):
    """Orders of a shop, by GraphQL; a page's cursor names the order behind which the next page begins."""

    header = "X-Shopify-Access-Token"
    token = TOKEN

    def __init__(self) -> None:
        super().__init__()
        self.orders: dict[str, Json] = {}
        self.errors: list[Json] = []
        self.page = 50

    def buy(self, order: str, amount: str, *, minutes: float = 10, **others: Any) -> None:
        at = iso(self.tick(minutes))
        self.orders[order] = {
            "id": order, "createdAt": at, "processedAt": at, "updatedAt": at, "cancelledAt": None, "test": False,
            "sourceName": "web", "customer": {"id": f"c-{order}"},
            "totalPriceSet": _money(amount), "refunds": [], **others,
        }  # fmt: skip

    def refund(self, order: str, refund: str, amount: str) -> None:
        at = iso(self.tick())
        self.orders[order]["refunds"].append({"id": refund, "createdAt": at, "totalRefundedSet": _money(amount)})
        self.orders[order]["updatedAt"] = at

    def cancel(self, order: str) -> None:
        at = iso(self.tick())
        self.orders[order].update(cancelledAt=at, updatedAt=at, cancelReason="CUSTOMER")

    def answer(self, method: str, path: str, query: dict[str, str], body: Json) -> Json:
        if (method, path) != ("POST", "/graphql.json"):
            raise Refused(404)
        if self.errors:
            return {"errors": self.errors, "data": None}
        assert body["query"].count("{") == body["query"].count("}") > 1
        assert "sortKey: UPDATED_AT" in body["query"]
        since = re.fullmatch(r"updated_at:>='(.+)'", body["variables"]["changed"])
        assert since is not None
        place = lambda order: f"{order['updatedAt']}|{order['id']}"  # noqa: E731
        found = sorted((o for o in self.orders.values() if o["updatedAt"] >= since[1]), key=place)
        after = body["variables"].get("after")
        found = [order for order in found if after is None or place(order) > after]
        page = found[: self.page]
        info = {"hasNextPage": len(found) > len(page), "endCursor": place(page[-1]) if page else None}
        return {"data": {"orders": {"nodes": page, "pageInfo": info}}}

    def expected(self) -> list[Json]:
        rows = []
        for order in self.orders.values():
            rows.append({"kind": "purchase", "row_id": order["id"]})
            rows += [{"kind": "refund", "row_id": refund["id"]} for refund in order["refunds"]]
            rows += [{"kind": "order cancelled", "row_id": order["id"]}] if order["cancelledAt"] else []
        return rows


class ZendeskTickets(Fake):
    """Tickets, by the incremental export: each as it is now, in the order of its last change."""

    page = 1000

    def __init__(self) -> None:
        super().__init__()
        self.tickets: dict[int, Json] = {}

    def change(self, ticket: int, status: str, *, minutes: float = 10) -> None:
        at = self.tick(minutes)
        known = self.tickets.setdefault(ticket, {"id": ticket, "created_at": iso(at), "requester_id": 100 + ticket})
        via = {"channel": "email"}
        known.update(status=status, updated_at=iso(at), generated_timestamp=int(at.timestamp()), via=via)

    def answer(self, method: str, path: str, query: dict[str, str], body: Json) -> Json:
        if (method, path) != ("GET", "/incremental/tickets/cursor.json"):
            raise Refused(404)
        since, last = (int(part) for part in query.get("cursor", f"{query['start_time']}.-1").split("."))
        place = lambda ticket: (ticket["generated_timestamp"], ticket["id"])  # noqa: E731
        found = sorted((t for t in self.tickets.values() if place(t) > (since, last)), key=place)
        page = found[: self.page]
        end = place(page[-1]) if page else (since, last)
        cursor = f"{end[0]}.{end[1]}"
        return {"tickets": page, "after_cursor": cursor, "end_of_stream": len(found) <= self.page}

    def expected(self) -> list[Json]:
        return [
            {"ticket_id": key, "status": t["status"], "changed_at": t["updated_at"]} for key, t in self.tickets.items()
        ]


class SalesforceHistory(Fake):
    """Rows of OpportunityHistory, by SOQL: a query is a snapshot, of which `nextRecordsUrl` gives the next rows."""

    page = 2000

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[Json] = []
        self.snapshots: list[list[Json]] = []

    def move(self, opportunity: str, stage: str, *, minutes: float = 10) -> None:
        at = f"{self.tick(minutes):%Y-%m-%dT%H:%M:%S}.000+0000"
        row = {"Id": f"h{len(self.rows):03d}", "OpportunityId": opportunity, "StageName": stage, "CreatedDate": at}
        self.rows.append({**row, "Opportunity": {"ContactId": f"c-{opportunity}"}, "Amount": 450.0, "Probability": 50})

    def answer(self, method: str, path: str, query: dict[str, str], body: Json) -> Json:
        base = "/services/data/v62.0/query"
        if path == base:
            found = re.search(
                r"FROM OpportunityHistory WHERE CreatedDate >= (\S+)Z ORDER BY CreatedDate, Id$", query["q"]
            )
            assert found is not None, query["q"]
            rows = [row for row in self.rows if row["CreatedDate"][:23] >= found[1]]
            self.snapshots.append(sorted(rows, key=lambda row: (row["CreatedDate"], row["Id"])))
            number, skip = len(self.snapshots) - 1, 0
        else:
            number, skip = map(int, path.removeprefix(f"{base}/").split("-"))
        rows, end = self.snapshots[number], skip + self.page
        more = {"nextRecordsUrl": f"{base}/{number}-{end}"} if end < len(rows) else {}
        return {"totalSize": len(rows), "done": not more, "records": rows[skip:end], **more}

    def expected(self) -> list[Json]:
        return [{"Id": row["Id"], "StageName": row["StageName"]} for row in self.rows]


class Ga4Counts(Fake):
    """Events a day, by `runReport`."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: dict[tuple[str, str, str, str], int] = {}

    def count(self, day: str, platform: str, name: str, events: int) -> None:
        self.counts[day, "10", platform, name] = events

    def answer(self, method: str, path: str, query: dict[str, str], body: Json) -> Json:
        if (method, path) != ("POST", "/properties/123:runReport"):
            raise Refused(404)
        (days,) = body["dateRanges"]
        assert days["endDate"] == "3daysAgo"
        assert [by["dimension"]["dimensionName"] for by in body["orderBys"]] == [d["name"] for d in body["dimensions"]]
        found = sorted((cell, n) for cell, n in self.counts.items() if cell[0] >= days["startDate"].replace("-", ""))
        rows = [
            {"dimensionValues": [{"value": text} for text in cell], "metricValues": [{"value": str(n)}]}
            for cell, n in found[body["offset"] : body["offset"] + body["limit"]]
        ]
        return {"rows": rows, "rowCount": len(found)} if rows else {"rowCount": len(found)}

    def expected(self) -> list[Json]:
        return [
            {
                "event_date": f"{day[:4]}-{day[4:6]}-{day[6:]}",
                "platform": platform.lower(),
                "event_name": name,
                "events": n,
            }
            for (day, _, platform, name), n in self.counts.items()
        ]


@contextmanager
def serving(fake: Fake) -> Iterator[str]:
    """Serve a fake on the loopback; return its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer({})

        def do_POST(self) -> None:
            self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def _answer(self, body: Json) -> None:
            fake.requests += 1
            fake.before(fake.requests)
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            try:
                if self.headers[fake.header] != fake.token:
                    raise Refused(401)  # noqa: TRY301
                status, headers, answer = 200, {}, fake.answer(self.command, parts.path, query, body)
            except Refused as refused:
                status, headers, answer = refused.status, refused.headers, {"message": "refused"}
            data = json.dumps(answer).encode()
            self.send_response(status)
            for name, value in {
                "Content-Type": "application/json",
                "Content-Length": str(len(data)),
                **headers,
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def _money(amount: str) -> Json:
    return {"shopMoney": {"amount": amount, "currencyCode": "EUR"}}


def _ms(text: str) -> str:
    return str(round(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000))
