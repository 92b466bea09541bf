"""Cases: immutable events, the clocks that are a pure fold over them, workflow, permissions, dispatch, warnings, KPI."""
