"""Subscriptions from both sides (RFC 6665)."""

from __future__ import annotations

from typing import Any

import pytest

from offhook.sip.dialog import Dialog
from offhook.sip.errors import SIPError
from offhook.sip.events import SubscriptionExpired, SubscriptionRefreshDue
from offhook.sip.message import Request, Response
from offhook.sip.subscription import ACTIVE, PENDING, TERMINATED, Notifier, Retry, Subscriber, event_of
from sip.simulation import invite


def subscribe(expires: int | None = 600, event: str = "presence") -> Request:
    request = invite(method="SUBSCRIBE")
    request.add("Event", event)
    if expires is not None:
        request.add("Expires", expires)
    return request


def pair(**options: Any) -> tuple[Notifier, Subscriber]:
    request = subscribe()
    accepted = request.response(200, to_tag="bob")
    accepted.add("Contact", "<sip:bob@h>")
    notifier = Notifier(Dialog.of_request(request, "bob"), "presence", **options)
    return notifier, Subscriber(Dialog.of_response(request, accepted), "presence", expires=600)


def test_a_subscription_runs_out_unless_it_is_refreshed() -> None:
    notifier, _ = pair()
    assert notifier.receive(subscribe(600), 0.0) == 600
    assert notifier.notify(10.0).get("Subscription-State") == "active;expires=590"
    assert notifier.receive(subscribe(600), 500.0) == 600
    assert notifier.timer(600.0) == []
    assert notifier.timer(1100.0) == [SubscriptionExpired(notifier)]
    assert notifier.notify(1100.0).get("Subscription-State") == "terminated;reason=timeout"
    with pytest.raises(SIPError) as refusal:
        notifier.receive(subscribe(600), 1101.0)
    assert refusal.value.status == 481


def test_the_asked_time_is_bounded() -> None:
    notifier, _ = pair(min_expires=60, max_expires=3600, default=1800)
    assert notifier.receive(subscribe(None), 0.0) == 1800
    assert notifier.receive(subscribe(100000), 0.0) == 3600
    with pytest.raises(SIPError) as refusal:
        notifier.receive(subscribe(30), 0.0)
    assert refusal.value.status == 423
    assert refusal.value.headers == (("Min-Expires", "60"),)
    assert notifier.receive(subscribe(0), 0.0) == 0
    assert notifier.status is TERMINATED
    assert notifier.notify(0.0, PENDING).get("Subscription-State") == "terminated;reason=timeout"


def test_what_a_notify_says() -> None:
    notifier, subscriber = pair()
    notifier.id = "7"
    subscriber.id = "7"
    notifier.receive(subscribe(600), 0.0)
    pending = notifier.notify(0.0, PENDING, body=b"<x/>", content_type="application/pidf+xml", contact="<sip:bob@h>")
    assert pending.get("Event") == "presence;id=7"
    assert pending.content_type == "application/pidf+xml"
    assert subscriber.receive(pending, 0.0) is PENDING
    assert subscriber.receive(notifier.notify(1.0), 1.0) is ACTIVE
    rejected = notifier.notify(2.0, TERMINATED, reason="probation", retry_after=30)
    assert rejected.get("Subscription-State") == "terminated;reason=probation;retry-after=30"
    assert subscriber.receive(rejected, 2.0) is TERMINATED
    assert (subscriber.reason, subscriber.retry_after, subscriber.retry) == ("probation", 30, Retry.LATER)
    with pytest.raises(SIPError) as refusal:
        subscriber.receive(notifier.notify(3.0), 3.0)
    assert refusal.value.status == 481


def test_a_failed_notify_ends_the_subscription_or_not() -> None:
    notifier, _ = pair()
    notifier.receive(subscribe(600), 0.0)
    assert not notifier.notify_failed(Response(503))
    assert notifier.notify_failed(Response(481))
    assert notifier.next_timer is None


def test_the_subscriber_refreshes_in_time() -> None:
    _, subscriber = pair()
    assert subscriber.receive_response(Response(200, "", [("Expires", "600")]), 0.0)
    assert subscriber.next_timer == 568.0
    assert subscriber.timer(568.0) == [SubscriptionRefreshDue(subscriber)]
    refresh = subscriber.subscribe(contact="<sip:alice@h>")
    assert (refresh.get("Expires"), refresh.get("Event"), str(refresh.cseq)) == ("600", "presence", "2 SUBSCRIBE")
    assert subscriber.receive_response(Response(503), 570.0) is False  # no NOTIFY has come yet
    _, other = pair()
    other.receive_response(Response(200, "", [("Expires", "40")]), 0.0)
    assert other.next_timer == 20.0
    other.timer(20.0)
    assert other.timer(40.0) == [SubscriptionExpired(other)]


def test_a_refresh_that_fails_for_now_lets_it_run_out() -> None:
    notifier, subscriber = pair()
    notifier.receive(subscribe(600), 0.0)
    subscriber.receive(notifier.notify(0.0), 0.0)
    assert subscriber.receive_response(Response(503), 10.0)
    assert subscriber.status is ACTIVE
    assert subscriber.receive_response(Response(423, "", [("Min-Expires", "900")]), 10.0)
    assert subscriber.expires == 900
    assert not subscriber.receive_response(Response(481), 10.0)
    assert subscriber.status is TERMINATED
    assert subscriber.retry is Retry.NEVER


def test_unsubscribing_waits_for_the_last_notify() -> None:
    notifier, subscriber = pair()
    notifier.receive(subscribe(600), 0.0)
    subscriber.receive(notifier.notify(0.0), 0.0)
    end = subscriber.subscribe(0)
    assert end.get("Expires") == "0"
    subscriber.receive_response(Response(200, "", [("Expires", "0")]), 1.0)
    assert subscriber.timer(33.0) == [SubscriptionExpired(subscriber)]
    assert subscriber.retry is Retry.NOW


def test_a_notify_for_another_event_is_489() -> None:
    notifier, subscriber = pair()
    notifier.receive(subscribe(600), 0.0)
    notifier.event = "dialog"
    with pytest.raises(SIPError) as refusal:
        subscriber.receive(notifier.notify(0.0), 0.0)
    assert refusal.value.status == 489
    notify = notifier.notify(0.0)
    notify.remove("Event")
    with pytest.raises(SIPError) as refusal:
        event_of(notify)
    assert refusal.value.status == 489


def test_a_notify_needs_a_state() -> None:
    notifier, subscriber = pair()
    notifier.receive(subscribe(600), 0.0)
    notify = notifier.notify(0.0)
    notify.remove("Subscription-State")
    with pytest.raises(SIPError) as refusal:
        subscriber.receive(notify, 0.0)
    assert refusal.value.status == 400
