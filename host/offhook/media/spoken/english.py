"""English."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from offhook.media.spoken.language import Language, speaks

log = logging.getLogger(__name__)

_SCALES = ((1_000_000_000, "digits/billion"), (1_000_000, "digits/million"), (1_000, "digits/thousand"))


@speaks("en")
class English(Language):
    """Numbers, money and times in English."""

    def number(self, value: int, gender: str = "") -> list[str]:
        """A cardinal number up to 999 999 999 999."""
        if value < 0:
            return ["digits/minus", *self.number(-value)]
        if value == 0:
            return ["digits/0"]
        names: list[str] = []
        for size, scale in _SCALES:
            if value >= size:
                names += [*self.number(value // size), scale]
                value %= size
        if value >= 100:
            names += [f"digits/{value // 100}", "digits/hundred"]
            value %= 100
        if value > 20:
            names.append(f"digits/{value // 10 * 10}")
            value %= 10
        if value:
            names.append(f"digits/{value}")
        return names

    def ordinal(self, value: int, gender: str = "") -> list[str]:
        """An ordinal number: the last word has its own prompt (digits/h-...)."""
        if value < 0:
            return ["digits/minus", *self.ordinal(-value)]
        if value == 0:
            return ["digits/h-0"]
        for size, scale in (*_SCALES, (100, "digits/hundred")):
            if value >= size:
                head, rest = divmod(value, size)
                if not rest:
                    return [*self.number(head), scale.replace("digits/", "digits/h-")]
                return [*self.number(head), scale, *self.ordinal(rest)]
        if value > 20 and value % 10:
            return [f"digits/{value // 10 * 10}", f"digits/h-{value % 10}"]
        return [f"digits/h-{value}"]

    def money(self, text: str) -> list[str]:
        """Dollars and cents."""
        whole, _, cents_text = text.partition(".")
        dollars = int(whole) if whole.isdigit() else 0
        cents = int((cents_text + "00")[:2]) if cents_text[:2].isdigit() else 0
        names: list[str] = []
        if dollars:
            one = "letters/dollar_" if cents else "letters/dollar"
            names += [*self.number(dollars), one if dollars == 1 else "dollars"]
        if cents:
            if dollars:
                names.append("and")
            names += [*self.number(cents), "cent" if cents == 1 else "cents"]
        elif not dollars:
            names += ["digits/0", "cents"]
        return names

    def time(self, when: datetime, form: str, now: datetime) -> list[str]:
        """A time by the letters of strftime that Asterisk's forms use; '...' is a prompt by name."""
        form = form or "ABdY 'digits/at' IMp"
        names: list[str] = []
        index = 0
        while index < len(form):
            letter = form[index]
            index += 1
            if letter == "'":
                end = form.find("'", index)
                end = len(form) if end < 0 else end
                names.append(form[index:end])
                index = end + 1
            elif letter not in " \t":
                names += self._part(letter, when, now)
        return names

    def _part(self, letter: str, when: datetime, now: datetime) -> list[str]:
        hour, minute = when.hour, when.minute
        if letter in "Aa":
            return [f"digits/day-{(when.weekday() + 1) % 7}"]
        if letter in "Bbh":
            return [f"digits/mon-{when.month - 1}"]
        if letter == "m":
            return self.ordinal(when.month)
        if letter in "de":
            return self.ordinal(when.day)
        if letter == "Y":
            return self._year(when.year)
        if letter in "Il":
            return [f"digits/{hour % 12 or 12}"]
        if letter in "Hk":
            if hour == 0:
                return ["digits/oh"]
            return [*(["digits/oh"] if letter == "H" and hour < 10 else []), *self.number(hour)]
        if letter in "MN":
            if minute == 0:
                return ["digits/oclock" if letter == "M" else "digits/hundred"]
            return ["digits/oh", f"digits/{minute}"] if minute < 10 else self.number(minute)
        if letter == "S":
            second = when.second
            return ["digits/oh", f"digits/{second}"] if 0 < second < 10 else self.number(second)
        if letter in "Pp":
            return ["digits/p-m" if hour > 11 else "digits/a-m"]
        if letter in "Qq":
            return self._day(when, now, quiet=letter == "q")
        if letter == "R":
            return self.time(when, "HM", now)
        if letter == "T":
            return self.time(when, "HMS", now)
        log.warning("cannot say %r of a time: no such letter in a time form", letter)
        return []

    def _year(self, year: int) -> list[str]:
        if year >= 2000:
            return self.number(year)
        if year <= 1900:
            return []
        rest = year - 1900
        return ["digits/19", *(["digits/oh"] if rest <= 9 else []), *self.number(rest)]

    def _day(self, when: datetime, now: datetime, *, quiet: bool) -> list[str]:
        """Today, tomorrow, yesterday, the weekday within a week, else the date as far as it is needed."""
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        days = (when - midnight) // timedelta(days=1)
        near = {0: [] if quiet else ["digits/today"], 1: ["digits/tomorrow"], -1: ["digits/yesterday"]}
        if days in near:
            return near[days]
        if -6 <= days <= 6:
            return self.time(when, "A", now)
        if -31 < days < 31:
            return self.time(when, "ABd", now)
        if -182 < days < 182:
            return self.time(when, "Bd", now)
        return self.time(when, "BdY", now)
