"""AST_SORCERY: an option of any section of pjsip.conf."""

from __future__ import annotations

from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.scope import Scope
from offhook.drivers.sip.configuration.options import Configured
from offhook.drivers.sip.configuration.provisioning_section import Phoneprov
from offhook.drivers.sip.stack import PART, SipStack
from offhook.modules import Module, Syntax

module = Module("func_sorcery", "Get a field from a sorcery object", depends=("res_pjsip",))


@module.function(
    "AST_SORCERY",
    Syntax(
        "module_name",
        "object_type",
        "object_id",
        "field_name",
        "[retrieval_method]",
        "[retrieval_details]",
        module_name="res_pjsip, or the module that brings the type.",
        object_type="The type of a section: endpoint, aor, identify, ...",
        object_id="The section's name.",
        retrieval_method="concat: all values of an option that may be repeated; single: one of them.",
        retrieval_details='What stands between them ("," unless it is given), or the number of the one, from 1.',
    ),
    see_also=("PJSIP_ENDPOINT", "PJSIP_AOR"),
)
def ast_sorcery(
    scope: Scope, owner: str = "", kind: str = "", name: str = "", field: str = "", method: str = "", detail: str = ""
) -> str:
    """An option of a section of pjsip.conf, set there or not."""
    for value, what in ((owner, "module name"), (kind, "object type"), (name, "object name"), (field, "field name")):
        if not value:
            raise FunctionError(f"AST_SORCERY needs a {what}")
    if not owner.startswith("res_pjsip"):
        raise FunctionError(f"AST_SORCERY: {owner} keeps no sections")
    if method not in ("", "concat", "single"):
        raise FunctionError("AST_SORCERY: the retrieval method is concat or single")
    stack: SipStack = scope.pbx.parts[PART]
    section = stack.config.objects.get(kind, {}).get(name)
    values = values_of(section, field) if section is not None else []
    if not values:
        raise FunctionError(f"AST_SORCERY: there is no {field} of a section [{name}] of type {kind}")
    if method != "single":
        return (detail or ",").join(values)
    if detail and not (detail.isdigit() and int(detail)):
        raise FunctionError(f"AST_SORCERY: {detail} is no number of a value, from 1")
    number = int(detail or "1")
    if number > len(values):
        raise FunctionError(f"AST_SORCERY: [{name}] has no {field} number {number}")
    return values[number - 1]


def values_of(section: Configured, field: str) -> list[str]:
    """The values of an option as texts; none when there is no such option."""
    if isinstance(section, Phoneprov):
        return [section.variables[field]] if field in section.variables else []
    option = section.OPTIONS.get(field)
    if option is None:
        return []
    value = getattr(section, option.attribute)
    if isinstance(value, tuple) and value and all(isinstance(each, str) for each in value):
        return list(value)
    return [option.show(value)]
