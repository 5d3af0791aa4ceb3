"""Parts of a page: metric cards, chart blocks with table and export, and the states of a page."""
