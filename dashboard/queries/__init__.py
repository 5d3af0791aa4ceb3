"""Every question the dashboard asks the store: SQL with bound parameters, and nothing else.

Each function takes a source (anything with `query`, such as a Store) and returns a frame. Amounts
are in the currency of the scope. `counted` rows are those that the wash switch lets into the
figures, `drawn` rows those that it lets onto the charts.
"""
