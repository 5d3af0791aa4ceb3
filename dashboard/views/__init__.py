"""One script per page, run by the entry script; each draws what dashboard.queries answers."""
