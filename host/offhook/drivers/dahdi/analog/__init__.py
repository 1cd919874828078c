"""What an analog port does when: state machines without clocks, sound or calls of their own.

A machine is told what the line, its calls and the clock do, each time with ``now`` in seconds, and answers with orders
(``orders.py``). ``next_timer`` is when it wants to be told the time.
"""
