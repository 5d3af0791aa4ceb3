import subprocess
import sys

HEAVY = ("prophet", "statsforecast", "pandas", "scipy", "sklearn", "torch", "streamlit")


def loaded_after(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(' '.join(m for m in sys.modules if '.' not in m))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_the_package_loads_nothing():
    assert "polars" not in loaded_after("import analytics")


def test_commands_and_store_runs_do_not_load_the_forecasters():
    loaded = loaded_after("import analytics.cli, analytics.run, analytics.own_data")
    assert not loaded & set(HEAVY)
    assert "polars" in loaded
