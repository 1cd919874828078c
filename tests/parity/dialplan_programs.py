"""Random dialplans for dialplan.py: every kind asks another part of the language.

A question is a global variable that the dialplan leaves behind, with a text that tells what was asked.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field


def words(text: str) -> list[str]:
    """A list that is written with blanks between its members."""
    return text.split()


OPERATORS = words("| & = == > < >= <= != + - * / % : =~ ~~ || &&")
OPERANDS = [
    *words("0 1 2 10 3.5 0.1 100000000000 -1 a abc b A yes 007 1e3 'x' _x # @ .5 5. 1.2.3 a1 x^ 2x foo.bar 1000000"),
    '"a"',
    '"a b"',
    '""',
    '"1"',
]
ROUNDING = ("CEIL", "FLOOR", "ROUND", "TRUNC", "RINT", "ABS", "NOSUCH")
VALUES = {
    "num": "5551234",
    "name": "Ada Lovelace",
    "n": "5",
    "empty": "",
    "list": "a-b-c",
    "cm": "a,b,c",
    "am": "a&b&c",
    "neg": "-3",
    "f": "2.5",
    "sp": " x y ",
    "q": '"quoted"',
    "long": "abcdefghijklmnopqrstuvwxyz",
}
FUNCTIONS = words(
    "LEN TOUPPER TOLOWER QUOTE CSV_QUOTE TRIM LTRIM RTRIM ISNULL EXISTS SET PASSTHRU KEYPADHASH STRBETWEEN "
    "BASE64_ENCODE BASE64_DECODE URIENCODE URIDECODE MD5 SHA1 EVAL ARRAY MIN MAX ABS DIALPLAN_EXISTS VALID_EXTEN "
    "GLOBAL LOCAL HASH VARIABLE_EXISTS GLOBAL_EXISTS BASENAME DIRNAME NOSUCH"
)


@dataclass
class Program:
    """A dialplan, the contexts to begin in (at extension s), and what to compare afterwards."""

    lines: list[str] = field(default_factory=lambda: ["[general]", "[globals]"])
    starts: list[str] = field(default_factory=list)
    questions: dict[str, str] = field(default_factory=dict)

    def steps(self, context: str, steps: list[str]) -> None:
        """Add a context that begins with these applications at extension s."""
        self.lines.append(f"[{context}]")
        self.lines += [f"exten => s,{'n' if index else '1'},{step}" for index, step in enumerate(steps)]
        self.starts.append(context)

    def text(self) -> str:
        """extensions.conf; the last context to begin in tells that all is done."""
        return "\n".join([*self.lines, "[done]", "exten => s,1,Set(GLOBAL(DONE)=1)", ""])


class Writer:
    """Writes random texts of the language."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.any = self.random.choice

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    # ---- expressions ------------------------------------------------------------------------------------

    def operand(self, depth: int) -> str:
        share = self.random.random()
        if depth <= 0 or share < 0.6:
            return self.any(OPERANDS)
        if share < 0.75:
            return f"({self.expression(depth - 1)})"
        if share < 0.9:
            return self.any("-!") + self.operand(depth - 1)
        if share < 0.95:
            return f"{self.any(ROUNDING)}({self.random.randrange(-40, 40) / 8})"
        return " ? ".join((self.expression(depth - 1), f"{self.operand(0)} :: {self.operand(0)}"))

    def expression(self, depth: int) -> str:
        text = self.operand(depth)
        for _ in range(self.any([0, 1, 1, 2])):
            gap = self.any([" ", " ", ""])
            text += f"{gap}{self.any(OPERATORS)}{gap}{self.operand(depth - 1)}"
        return text

    def damaged(self, text: str) -> str:
        signs = list(text)
        for _ in range(self.any([1, 1, 2])):
            index = self.random.randrange(len(signs)) if signs else 0
            if signs and self.chance(0.4):
                del signs[index]
            else:
                signs.insert(index, self.any("()+-*/%=<>!|&:?,\"'~ ab12.^@$"))
        return "".join(signs)

    # ---- substitutions ----------------------------------------------------------------------------------

    def text(self, depth: int) -> str:
        parts = ["a", "b c", "-", "1", "x:y", "(k)", "\\a", ", "]
        return "".join(
            self.any(parts) if depth < 0 or self.chance(0.35) else self.substitution(depth)
            for _ in range(self.any([1, 1, 2, 3]))
        )

    def substitution(self, depth: int) -> str:
        share = self.random.random()
        if share < 0.3:
            return f"${{{self.any([*VALUES, 'EXTEN', 'PRIORITY', 'nothing'])}}}"
        if share < 0.45:
            offset, length = self.any(words("0 1 -1 3 -3 10 x")), self.any(["", ":1", ":-1", ":0", ":-5", ":x", ":"])
            return f"${{{self.any(list(VALUES))}:{offset}{length}}}"
        if share < 0.5:
            return f"${{{self.text(depth - 1)}}}"
        if share < 0.65:
            return f"$[{self.expression(1) if self.chance(0.7) else self.text(depth - 1)}]"
        if share < 0.7:
            return self.any(["$$", "$", "\\", "\\$", "$(", "\\\\", ":"])
        return f"${{{self.call(depth)}{self.any(['', '', '', ':1', ':0:2', ':-2'])}}}"

    def argument(self, depth: int) -> str:
        fixed = ["a", "1", "list", "n", "cm", "-", "&", "\\,", "abc", '"x,y"', "(p)", "[z]", "", " s "]
        return self.text(depth - 1) if depth > 0 and self.chance(0.1) else self.any(fixed)

    def call(self, depth: int) -> str:
        lists = self.any(["list", "cm", "am", "sp", "none", "long"])
        sign = self.any(["-", ",", "&", "", "\\x2d", "\\,", "xy", " ", "\\t"])
        allowed = ["0-9", "a-z", "a-zA", "A-Z0-9\\-", "", "\\,a"]
        special: dict[str, Callable[[], str]] = {
            "MATH": lambda: (
                self.any(["8", "2.5", "-3", "0", "255"])
                + self.any(words("+ - * / % ^ AND OR XOR < > <= >= == << >>"))
                + self.any(["8", "2", "-3", "0", "1.5"])
                + self.any(["", ",int", ",i", ",f", ",hex", ",x"])
            ),
            "IF": lambda: f"{self.any(['0', '1', '', 'a', '$[1 > 2]'])}?{self.argument(0)}:{self.argument(0)}",
            "CUT": lambda: f"{lists},{sign},{self.any(['1', '2', '1-2', '2-', '-2', '1&3', 'x', '', '0', '7'])}",
            "FIELDQTY": lambda: f"{lists},{sign}",
            "FIELDNUM": lambda: f"{lists},{sign},{self.any('abx')}",
            "LISTFILTER": lambda: f"{lists},{sign},{self.any('abx')}",
            "FILTER": lambda: f"{self.any(allowed)},{self.argument(depth)}",
            "REPLACE": lambda: f"{lists},{self.argument(0)},{self.argument(0)}",
            "STRREPLACE": lambda: f"{lists},{self.argument(0)},{self.argument(0)}{self.any(['', ',1'])}",
            "REGEX": lambda: f'"{self.any(["^a", "[0-9]+", "a|b", "(x"])}" {self.argument(0)}',
            "SPRINTF": lambda: (
                f"{self.any(['%d', '%5s|', '%-5s|', '%05d', '%x', '%.2f', '%s%s', '%%', '%q'])},"
                + self.any(["1", "12", "abc", "-5", "3.7", "65", ""])
            ),
            "STRFTIME": lambda: (
                f"{self.random.randrange(2**31)},{self.any(['UTC', 'America/New_York', 'Europe/Berlin'])},"
                + self.any(["%Y-%m-%d %H:%M:%S", "%A %B %e", "%q", "%3q", "%j %U", "%%"])
            ),
            "SHIFT": lambda: self.any(["cm", "n", "list", "none"]) + self.any(["", ",-"]),
            "POP": lambda: self.any(["cm", "n", "list", "none"]) + self.any(["", ",-"]),
            "INC": lambda: self.any(["n", "neg", "none"]),
            "CALLERID": lambda: self.any(["num", "name", "all", "ani", "pres", "x", 'all,"B" <1>', "num,C <23>"]),
        }
        name = self.any([*FUNCTIONS, *special])
        arguments = ",".join(self.argument(depth) for _ in range(self.any([0, 1, 1, 2, 3])))
        return f"{name}({special[name]() if name in special else arguments})"

    # ---- patterns ---------------------------------------------------------------------------------------

    def pattern(self) -> str:
        parts = words("X Z N 1 2 5 0 [12] [2-5] [1-39] [0-9] [a-c] a b - x z n [a-c1] * # [2] [-1] [5-] A +")
        return (
            "_" + "".join(self.any(parts) for _ in range(self.any([1, 2, 2, 3, 4]))) + self.any(["", "", "", ".", "!"])
        )

    def digits_of(self, pattern: str) -> str:
        """A number that a pattern probably matches."""
        of = {"X": "0123456789", "x": "12x", "Z": "19", "z": "2z", "N": "29", "n": "3n", ".": "1a", "!": "1a"}
        rest, digits = pattern[1:] if pattern[0] == "_" else pattern, ""
        while rest:
            if rest[0] == "[":
                inside, _, rest = rest[1:].partition("]")
                digits += self.any(inside or "1")
            else:
                digits += self.any(of.get(rest[0], rest[0])) if pattern[0] == "_" else rest[0]
                rest = rest[1:]
        return digits or "1"


# ---- the kinds ------------------------------------------------------------------------------------------


def _asking(writer: Writer, count: int, write: Callable[[], str], before: list[str]) -> Program:
    """A program that leaves each of many texts behind as it is substituted."""
    program, steps = Program(), []
    while len(program.questions) < count:
        text = write()
        if ";" in text or "\n" in text:
            continue
        name = f"r{len(program.questions)}"
        program.questions[name] = text
        steps += [*before, f"Set(GLOBAL({name})=<{text}>)"]
    program.steps("go", steps)
    return program


def expressions(writer: Writer, count: int) -> Program:
    """Expressions that are right."""
    return _asking(writer, count, lambda: f"$[{writer.expression(3)}]", [])


def damaged_expressions(writer: Writer, count: int) -> Program:
    """Expressions with characters too many or too few."""
    return _asking(writer, count, lambda: f"$[{writer.damaged(writer.expression(2))}]", [])


def substitutions(writer: Writer, count: int) -> Program:
    """Variables, slices, functions and expressions in each other."""
    before = [f"Set({name}={value})" for name, value in VALUES.items()]
    return _asking(writer, count, lambda: writer.text(2), [*before, 'Set(CALLERID(all)="Ada L" <5551234>)'])


def assignments(writer: Writer, count: int) -> Program:
    """Ways to assign variables, and what is in all of them afterwards."""
    names = ["list", "a", "b", "h", "x", "_i", "__j"]
    values = ["1", "a", "a,b", "", "x-y", '"q,r"', "5", "k=v", "a\\,b", " sp ", "${list}", "z(1)", "[1]", "007", "-3"]
    items = words("num name all ani dnid rdnis num-pres name-charset num-plan subaddr tag ani2 pres ton num-valid")
    parties = ["123", "", "Bob <12>", '"B C" <34>', "prohib", "5", "utf8", "0", "(1) 2-3", "x"]
    read = ["${list}", "${a}", "${b}", "${x}", "${i}", "${j}", "${HASH(h)}", "${HASHKEYS(h)}", "${HASH(h,a)}"]
    read += [f"${{CALLERID({item})}}" for item in items]

    def step() -> str:
        name, value, sign = writer.any(names), writer.any(values), writer.any(["", ",-", ",\\,", ",\\x2d"])
        return writer.any(
            [
                f"Set({name}={value})",
                f"Set({writer.any(['PUSH', 'UNSHIFT'])}({name}{sign})={value})",
                f"Set(HASH(h,{writer.any('abc')})={value})",
                f"Set(HASH(h)={value})",
                f"Set(ARRAY({','.join(writer.random.sample(['a', 'b', 'x', 'list'], 2))})={value})",
                f"Set(x=${{{writer.any(['SHIFT', 'POP'])}({name}{sign})}})",
                f"Set(x=${{{writer.any(['INC', 'DEC'])}({name})}})",
                f"Set(x=${{SET({name}={value})}})",
                f"MSet({name}={value},{writer.any(names)}={writer.any(values)})",
                f"Set(CALLERID({writer.any(items)})={writer.any(parties)})",
                f"Set(DELETE({name})=)",
                f"ExecIf({writer.any(['0', '1', '$[1 = 1]', ''])}?Set({name}={value}):Set(x={writer.any(values)}))",
            ]
        )

    program, steps = Program(), []
    for number in range(count):
        steps += [*(f"Set({name}=)" for name in ("list", "a", "b", "x", "i", "j")), "ClearHash(h)"]
        steps.append('Set(CALLERID(all)="Ada L" <5551234>)')
        done = [step() for _ in range(writer.any([1, 2, 3, 4, 5]))]
        program.questions[f"r{number}"] = " ".join(done)
        steps += [*done, f"Set(GLOBAL(r{number})=<{'|'.join(read)}>)"]
    program.steps("go", steps)
    return program


def patterns(writer: Writer, count: int) -> Program:
    """Which of several patterns, included ones and those for certain callers, an extension is."""
    program, steps = Program(), ["Set(CALLERID(num)=5551234)"]
    written: dict[int, list[str]] = {}
    for context in range(max(1, count // 15)):
        program.lines.append(f"[c{context}]")
        seen = set()
        for _ in range(writer.any([2, 3, 4, 6])):
            name = writer.pattern() if writer.chance(0.75) else writer.digits_of(writer.pattern())
            caller = writer.any(["", "", "", "/5551234", "/_555X.", "/_X!", "/"])
            if (name.replace("-", ""), caller) not in seen:
                seen.add((name.replace("-", ""), caller))
                written.setdefault(context, []).append(name)
                program.lines.append(f"exten => {name}{caller},1,Return({context}={name}{caller})")
        program.lines += [f"include => c{writer.random.randrange(context)}"] if context and writer.chance(0.6) else []
    while len(program.questions) < count:
        context = writer.any(list(written))
        asked = writer.digits_of(writer.any(written[writer.any([context, context, *written])]))
        name = f"r{len(program.questions)}"
        program.questions[name] = f"{asked} in [c{context}]"
        valid = f"${{VALID_EXTEN(c{context},{asked})}}"
        called = f"${{IF({valid}?${{EVAL_SUB(c{context},{asked},1)}})}}"
        steps.append(f"Set(GLOBAL({name})=<{valid}${{EVAL_EXTEN(c{context},{asked},1)}}{called}>)")
    program.steps("go", steps)
    return program


def times(writer: Writer, count: int) -> Program:
    """Whether a moment is within the times of GotoIfTime."""
    whole = writer.random.randrange
    months, days = words("jan feb mar dec oct june x"), words("sun mon tue wed thu fri sat monday MON x")

    def part(write: Callable[[], str], share: float) -> str:
        if not writer.chance(share):
            return "*"
        return writer.any([write(), f"{write()}-{write()}", f"{write()}&{write()}-{write()}"])

    program = Program()
    steps: list[str] = []
    for number in range(count):
        when = (
            f"20{whole(20, 38)}/{whole(1, 13):02d}/{whole(1, 29):02d} {whole(24):02d}:{whole(60):02d}:{whole(60):02d}"
        )
        parts = [
            part(lambda: f"{whole(25)}:{whole(60):02d}", 0.7),
            part(lambda: writer.any(days), 0.6),
            part(lambda: str(whole(33)), 0.4),
            part(lambda: writer.any(months), 0.4),
            *writer.any([[], [], ["UTC"], ["Europe/Berlin"], ["America/New_York"], ["Nowhere/X"]]),
        ]
        asked = ",".join(parts[: writer.any([5, 5, 5, 3, 2, 1])])
        program.questions[f"r{number}"] = f"{asked} at {when} UTC"
        steps += [f"Set(TESTTIME()={when} UTC)", f"Set(GLOBAL(r{number})=0)", f"GotoIfTime({asked}?:{len(steps) + 5})"]
        steps += [f"Set(GLOBAL(r{number})=1)"]
    program.steps("go", [*steps, "NoOp()"])
    return program


def courses(writer: Writer, count: int) -> Program:
    """The way that dialplans with jumps, subroutines, loops, branches, h and handlers take."""
    program = Program()
    for number in range(count):
        context = f"p{number}"
        program.questions[f"t{number}"] = ""
        program.starts.append(context)
        program.lines.append(f"[{context}]")
        begun = len(program.lines)
        for exten in ["s", "a", "b", *writer.any([[], ["h"], ["h"], ["i"], ["e"], ["h", "e"], ["t"]])]:
            program.lines += _course(writer, number, exten)
        program.questions[f"t{number}"] = "\n".join(
            line
            for line in program.lines[begun:]
            if not any(mark in line for mark in ("Set(GLOBAL", "Set(c=", "Goto(fin,1)"))
        )
        program.lines += [
            f"exten => fin,1,Set(GLOBAL(t{number})=${{GLOBAL(t{number})}} FIN)",
            "exten => fin,2,Hangup()",
        ]
    return program


def _course(writer: Writer, number: int, exten: str) -> Iterator[str]:
    size = writer.any([2, 3, 4, 6, 8])
    for index in range(size):
        label = f"({writer.any('xyz')}{index})" if writer.chance(0.3) else ""
        told = f"{exten}{index}[${{ARG1}}${{loc}}${{GOSUB_RETVAL}}]"
        first = "n" if index else "1"
        yield f"exten => {exten},{first},Set(GLOBAL(t{number})=${{GLOBAL(t{number})}} {told})"
        yield f"exten => {exten},n,Set(c=$[0${{c}} + 1])"
        yield f"exten => {exten},n,ExecIf($[${{c}} > 25]?Goto(fin,1))"
        yield f"exten => {exten},n{label},{_move(writer, number, index, size)}"


def _move(writer: Writer, number: int, index: int, size: int) -> str:
    condition = writer.any(["0", "1", "1", "", "$[${c} < 12]", "$[${c} % 2]", "$[${c} % 3]"])
    label = f"{writer.any('xyz')}{writer.random.randrange(size)}"
    there, other = (writer.any(["s,1", "a,1", "b,1", f"p{number},a,1", label, "nowhere,1"]) for _ in range(2))
    return writer.any(
        [
            f"Goto({there})",
            f"GotoIf({condition}?{there}:{other})",
            f"GotoIf({condition}?{there})",
            *[f"Gosub({writer.any('ab')},1({writer.any(['', 'u', 'u,v'])}))"] * 2,
            writer.any(["Return()", "Return(r${c})"]),
            f"While({condition})",
            *["EndWhile()"] * 2,
            writer.any(["ExitWhile()", "ContinueWhile()"]),
            f"If({condition})",
            writer.any([f"ElseIf({condition})", "Else()", "EndIf()", "EndIf()", "ExitIf()"]),
            f"ExecIf({condition}?{writer.any(['Return(q)', 'Goto(a,1)', 'Hangup()', 'Gosub(b,1)'])}:Goto(b,1))",
            f"Set(LOCAL(loc)={index})",
            writer.any(["StackPop()", "Hangup()", "RaiseException(boom)", "TryExec(Hangup())", "NoSuchApp(1)"]),
            f"GosubIf({condition}?a,1(w):b,1)",
            f"Set(CHANNEL(hangup_handler_push)=p{number},{writer.any('ab')},1(hh))",
        ]
    )


KINDS: dict[str, Callable[[Writer, int], Program]] = {
    "expressions": expressions,
    "damaged": damaged_expressions,
    "substitutions": substitutions,
    "assignments": assignments,
    "patterns": patterns,
    "times": times,
    "courses": courses,
}
