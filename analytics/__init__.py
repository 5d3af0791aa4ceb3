"""Facts to signals: pure functions, tables in, tables out; no network, no screen.

Nothing is imported here, so that `import analytics` costs nothing; Prophet, statsforecast and
pandas are loaded by the functions that fit with them.
"""
