"""STUN and TURN servers as a client sees them."""

from __future__ import annotations

from offhook.ice.servers import Query, Relay
from offhook.ice.stun import Method
from support.turn_server import PASSWORD, USER, TurnServer

CLIENT = ("198.51.100.9", 7000)
PEER = ("192.0.2.7", 4000)


def server() -> TurnServer:
    """One."""
    return TurnServer(("192.0.2.50", 3478), "192.0.2.51")


def exchange(relay: Relay, turn: TurnServer, now: float) -> list[object]:
    """Let both talk until nothing is left; what a relay handed on."""
    handed: list[object] = []
    while sent := relay.requests.datagrams():
        for data in sent:
            for _, to, reply in turn.receive(data, CLIENT):
                if to == CLIENT:
                    handed.append(relay.receive(reply, now))
    return [each for each in handed if each is not None]


def allocated(turn: TurnServer, now: float = 0.0) -> Relay:
    """An allocation."""
    relay = Relay(turn.address, USER, PASSWORD, now)
    exchange(relay, turn, now)
    return relay


def test_our_address_is_told() -> None:
    turn = server()
    query = Query(turn.address, 0.0)
    (data,) = query.requests.datagrams()
    ((_, to, reply),) = turn.receive(data, CLIENT)
    assert to == CLIENT and query.receive(reply, 0.1)
    assert query.done and query.mapped == CLIENT


def test_a_server_that_is_silent_is_given_up() -> None:
    query = Query(("192.0.2.50", 3478), 0.0)
    now, said = 0.0, 0
    while not query.done:
        said += len(query.requests.datagrams())
        due = query.requests.next_timer
        assert due is not None
        now = due
        query.requests.timer(now)
    assert query.mapped is None and said == 5 and now < 8


def test_an_allocation_is_made_with_credentials() -> None:
    relay = allocated(server())
    assert relay.done and not relay.error
    assert relay.relayed == ("192.0.2.51", 50000) and relay.mapped == CLIENT


def test_a_wrong_password_is_told() -> None:
    turn = server()
    relay = Relay(turn.address, USER, "guess", 0.0)
    exchange(relay, turn, 0.0)
    # the server asks for credentials again and again; we do not
    assert relay.done and relay.relayed is None and relay.error


def test_packets_go_by_indication_and_then_by_channel() -> None:
    turn = server()
    relay = allocated(turn)
    relay.permit({PEER[0]}, 0.0)
    exchange(relay, turn, 0.0)
    assert turn.receive(relay.wrap(b"hello", PEER), CLIENT) == [(("192.0.2.51", 50000), PEER, b"hello")]
    ((_, to, data),) = turn.arrive(b"reply", PEER, ("192.0.2.51", 50000))
    assert to == CLIENT and relay.receive(data, 0.1) == (b"reply", PEER)
    relay.bind(PEER, 0.2)
    exchange(relay, turn, 0.2)
    assert relay.channel == 0x4001 and relay.channel_peer == PEER
    framed = bytes.fromhex("40010003") + b"abc"
    assert turn.receive(framed, CLIENT) == [(("192.0.2.51", 50000), PEER, b"abc")]


def test_strangers_are_kept_out() -> None:
    turn = server()
    allocated(turn)
    assert turn.arrive(b"x", ("203.0.113.1", 1), ("192.0.2.51", 50000)) == []


def test_everything_is_renewed_also_with_a_stale_nonce() -> None:
    turn = server()
    relay = allocated(turn)
    relay.permit({PEER[0]}, 0.0)
    relay.bind(PEER, 0.0)
    exchange(relay, turn, 0.0)
    turn.seen.clear()
    turn.nonce = "n2"
    now = 0.0
    while now < 1000:
        due = relay.next_timer
        assert due is not None
        now = due
        relay.timer(now)
        exchange(relay, turn, now)
    asked = [method for method, _ in turn.seen]
    assert asked.count(Method.REFRESH) >= 1 and asked.count(Method.CHANNEL_BIND) >= 3
    assert asked.count(Method.CREATE_PERMISSION) >= 3
    assert relay.relayed is not None


def test_it_is_given_back() -> None:
    turn = server()
    relay = allocated(turn)
    relay.release(1.0)
    exchange(relay, turn, 1.0)
    assert not turn.relays
