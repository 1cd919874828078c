"""Who may come in: permit, deny and the named lists of acl.conf."""

import pytest

from offhook.config.acl import Acl, NamedAcls, judge, parse_address, parse_rules
from offhook.config.parser import loads


def named(text: str) -> NamedAcls:
    acls = NamedAcls()
    assert acls.read(loads(text)) == []
    return acls


def test_the_last_matching_rule_counts_and_no_rule_lets_in():
    rules = parse_rules("deny", "0.0.0.0/0") + parse_rules("permit", "192.0.2.0/24") + parse_rules("deny", "192.0.2.7")
    assert judge(rules, parse_address("192.0.2.1"))
    assert not judge(rules, parse_address("192.0.2.7"))
    assert not judge(rules, parse_address("198.51.100.1"))
    assert judge([], parse_address("198.51.100.1"))


def test_an_exclamation_mark_turns_a_rule_around():
    rules = parse_rules("permit", "0.0.0.0/0,!192.0.2.7")
    assert [rule.allow for rule in rules] == [True, False]


def test_rules_of_one_family_leave_the_other_alone_and_mapped_addresses_are_ipv4():
    rules = parse_rules("deny", "0.0.0.0/0.0.0.0")
    assert judge(rules, parse_address("2001:db8::1"))
    assert not judge(rules, parse_address("::ffff:192.0.2.1"))
    assert not judge(parse_rules("deny", "fe80::/10"), parse_address("fe80::1%eth0"))


def test_masks_and_prefixes_are_shown_as_asterisk_shows_them():
    rules = parse_rules("deny", "0.0.0.0/0") + parse_rules("permit", "127.0.0.1")
    assert [str(rule) for rule in rules] == [" deny - 0.0.0.0/0.0.0.0", "allow - 127.0.0.1/255.255.255.255"]


def test_a_word_that_is_no_network_says_so():
    with pytest.raises(ValueError, match='"nonsense" is no network'):
        parse_rules("permit", "nonsense")


def test_all_named_lists_and_own_rules_must_agree():
    acl = Acl(named("[one]\npermit=0.0.0.0/0\ndeny=127.0.0.1\n[two]\npermit=0.0.0.0/0\ndeny=127.0.0.3\n"))
    acl.add("acl", "one, two")
    assert [acl.allows(f"127.0.0.{n}") for n in (1, 2, 3)] == [False, True, False]
    acl.add("deny", "127.0.0.2")
    assert not acl.allows("127.0.0.2")


def test_a_list_that_does_not_exist_keeps_everybody_out_until_it_does():
    acls = named("")
    acl = Acl(acls)
    acl.add("acl", "later")
    assert not acl.allows("127.0.0.1")
    acls.read(loads("[later]\npermit=127.0.0.1\n"))
    assert acl.allows("127.0.0.1")


def test_naming_a_list_twice_is_refused():
    acl = Acl(named("[one]\n"))
    with pytest.raises(ValueError, match="named twice"):
        acl.add("acl", "one,one")


def test_a_broken_list_is_left_out_and_reported_with_its_line():
    acls = NamedAcls()
    errors = acls.read(loads("[bad]\npermit=x\n[good]\npermit=127.0.0.1\n", "acl.conf"))
    assert [str(error).partition(":")[0] for error in errors] == ["acl.conf"]
    assert errors[0].line == 2
    assert acls.find("bad") is None
    assert acls.find("GOOD") is not None
