"""How good are our forecasts, on public data, beside what others do?

``python -m tests.forecast.scores FOLDER`` (the folder of recorded data) prints all tables, ``FOLDER dates`` and
``FOLDER late`` one half of them; ``--variants`` adds what was tried, ``--json FILE`` keeps every figure. ``FOLDER
prior`` prints the lines of ``pmo_sync/forecast/prior.py``.

- ``data``: the completion dates, read through the ``files`` connector and the store, and the companies behind them.
- ``protocol``: which forecasts are made, when, and what came of them.
- ``baselines``, ``pooled``, ``ours``, ``variants``: who makes them. ``TRIED.md``: what did not help.
- ``measures``, ``table``: what they were worth.
- ``prior``: the prior refitted.
- ``versions``, ``sprints``, ``delays``, ``ranking``, ``late``: late or not, on other public data.
"""
