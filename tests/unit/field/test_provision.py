"""provision.toml: what is wrong in one is told with line and remedy, and its secrets do not stay."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.field.provision import SECRETS, USED, Provision, ProvisionError, read, without_secrets

WHOLE = """\
format = 1

[box]
hostname = "office"
timezone = "Europe/Berlin"
country = "de"
console_password = "open sesame"  # a comment stays

[network]
address = "192.168.1.10/24"
gateway = "192.168.1.1"
dns = ["192.168.1.1"]

[trunk]
server = "sip.example.com"
user = "4930123"
password = 'a "quoted" secret'
number = "4930123"
answer = "101"

[[account]]
number = "100"
name = "Reception"

[[account]]
number = "101"
password = "long enough"

[ssh]
keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB me"]
"""


def wrong(text: str) -> list[str]:
    """What is told about a file."""
    with pytest.raises(ProvisionError) as caught:
        read(text)
    return str(caught.value).splitlines()


def test_a_whole_file_is_understood() -> None:
    provision = read(WHOLE)
    assert (provision.hostname, provision.timezone, provision.country) == ("office", "Europe/Berlin", "de")
    assert str(provision.network.address) == "192.168.1.10/24"
    assert provision.trunk is not None
    assert (provision.trunk.server, provision.trunk.transport, provision.trunk.answer) == (
        "sip.example.com",
        "tls",
        "101",
    )
    assert [(account.number, account.name, account.password) for account in provision.accounts] == [
        ("100", "Reception", ""),
        ("101", "", "long enough"),
    ]


def test_the_sample_of_the_boot_partition_is_one() -> None:
    sample = Path(__file__).parents[3] / "cross/image/provision.toml.sample"
    assert isinstance(read(sample.read_text()), Provision)


def test_everything_wrong_is_told_at_once_with_its_line() -> None:
    told = wrong(
        'format = 1\n[box]\ncountry = "Germany"\nconsole_password = "short"\n[network]\ngateway = "here"\n'
        '[[account]]\nnumber = "100"\n[[account]]\nnumber = "a"\nnme = "x"\n[extra]\n'
    )
    assert told == [
        "provision.toml:12: there is no table [extra]; there are box, network, trunk, account, ssh",
        'provision.toml:3: country of [box]: write the two letters of a country: "de"',
        "provision.toml:4: console_password of [box]: write at least 8 printable characters, no semicolon",
        'provision.toml:6: gateway of [network]: write an address: "192.168.1.1"',
        'provision.toml:10: number of [account]: write digits: "100"',
        "provision.toml:11: [account] has no nme; it has number, name, password",
    ]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("format = 1", "format = 2"), "provision.toml:1: the first line must be: format = 1"),
        (
            ('answer = "101"', 'answer = "102"'),
            "provision.toml:19: there is no account 102 to answer the trunk's calls",
        ),
        (
            ('gateway = "192.168.1.1"', 'gateway = "10.0.0.1"'),
            "provision.toml:11: the gateway 10.0.0.1 is not in 192.168.1.0/24, the network of address",
        ),
        (
            ('number = "101"', 'number = "100"'),
            "provision.toml:26: account 100 is there twice: give the second another number",
        ),
        (
            ('address = "192.168.1.10/24"\n', ""),
            "provision.toml:10: gateway stands without address: DHCP finds it; remove it, or add address",
        ),
    ],
)
def test_what_single_values_do_not_tell(change: tuple[str, str], told: str) -> None:
    assert told in wrong(WHOLE.replace(*change, 1))


def test_no_toml_at_all() -> None:
    (told,) = wrong("format = 1\n[box\n")
    assert told.startswith("provision.toml:2: this is no TOML: ")


def test_secrets_are_taken_out_and_everything_else_stays() -> None:
    cleaned = without_secrets(WHOLE)
    for secret in ("open sesame", 'a "quoted" secret', "long enough"):
        assert secret not in cleaned
    assert "# a comment stays" in cleaned
    before, after = tomllib.loads(WHOLE), tomllib.loads(cleaned)
    assert after["box"] == {**before["box"], "console_password": USED}
    assert after["network"] == before["network"]


def test_a_used_file_says_that_its_secrets_are_gone() -> None:
    assert "provision.toml:7: console_password was taken out after its first use: write it again" in wrong(
        without_secrets(WHOLE)
    )


@given(
    st.text(min_size=8, max_size=30),
    st.sampled_from(SECRETS),
    st.sampled_from(
        ["{key} = {value}\n", "[t]\n{key} = {value}\n", "t = {{ {key} = {value} }}\n", "t.{key} = {value}\n"]
    ),
)
def test_no_way_of_writing_a_secret_leaves_it_there(secret: str, key: str, shape: str) -> None:
    value = '"' + "".join(f"\\U{ord(character):08x}" for character in secret) + '"'
    try:
        text = shape.format(key=key, value=value)
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return  # a surrogate: no TOML file holds it
    cleaned = without_secrets(text)
    assert value not in cleaned
    if secret != USED:
        assert secret not in str(tomllib.loads(cleaned))
