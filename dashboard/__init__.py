"""Tables to screen: the Streamlit application that reads a store and draws it."""
