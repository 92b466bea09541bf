"""Cases: immutable events, clocks as a pure fold over them, workflow, permissions, dispatch, warnings, figures."""
