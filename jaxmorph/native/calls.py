"""Equations of a jaxpr that call another one."""

from jax.extend import core

# The parameter of each that holds what is called.
CALLS = {
    "checkpoint": "jaxpr",
    "closed_call": "call_jaxpr",
    "custom_jvp_call": "call_jaxpr",
    "custom_vjp_call": "call_jaxpr",
    "custom_vjp_call_jaxpr": "fun_jaxpr",
    "eval_jaxpr": "call_jaxpr",
    "jit": "jaxpr",
    "pjit": "jaxpr",
    "remat2": "jaxpr",
}


def called(eqn: core.JaxprEqn) -> core.ClosedJaxpr:
    """What a call calls."""
    inner = eqn.params[CALLS[eqn.primitive.name]]
    return inner if isinstance(inner, core.ClosedJaxpr) else core.ClosedJaxpr(inner, ())
