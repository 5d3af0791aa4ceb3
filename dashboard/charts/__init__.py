"""Figures: data in, a plotly figure or an ECharts option out; nothing here knows Streamlit."""
