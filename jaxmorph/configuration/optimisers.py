"""The optimisers and learning-rate schedules of Optax that a configuration can name.

Only their names and settings are here, because importing Optax imports JAX. A test holds both tables to
the Optax that is installed. Settings that are not numbers or true or false (masks, data types) are left
out, and ``noisy_sgd``, whose noise would not be that of the seeds.
"""

_ADAM = ("b1", "b2", "eps", "eps_root", "nesterov")

LBFGS = "lbfgs"
"""The one that needs a deterministic loss: it searches along lines."""

OPTIMISERS: dict[str, tuple[str, ...]] = {
    "adabelief": _ADAM,
    "adadelta": ("rho", "eps", "weight_decay"),
    "adafactor": (
        *("min_dim_size_to_factor", "decay_rate", "decay_offset", "multiply_by_parameter_scale"),
        *("clipping_threshold", "momentum", "weight_decay_rate", "eps", "factored"),
    ),
    "adagrad": ("initial_accumulator_value", "eps"),
    "adam": _ADAM,
    "adamax": ("b1", "b2", "eps"),
    "adamaxw": ("b1", "b2", "eps", "weight_decay"),
    "adamw": (*_ADAM, "weight_decay"),
    "adan": ("b1", "b2", "b3", "eps", "eps_root", "weight_decay"),
    "amsgrad": ("b1", "b2", "eps", "eps_root", "bias_correction_mu", "bias_correction_nu"),
    "fromage": ("min_norm",),
    "lamb": ("b1", "b2", "eps", "eps_root", "weight_decay"),
    "lars": ("weight_decay", "trust_coefficient", "eps", "momentum", "nesterov"),
    LBFGS: ("memory_size", "scale_init_precond"),
    "lion": ("b1", "b2", "weight_decay"),
    "novograd": ("b1", "b2", "eps", "eps_root", "weight_decay"),
    "optimistic_adam": ("optimism", *_ADAM),
    "optimistic_adam_v2": ("alpha", "beta", *_ADAM),
    "optimistic_gradient_descent": ("alpha", "beta"),
    "polyak_sgd": ("max_learning_rate", "scaling", "f_min", "eps", "variant"),
    "radam": (*_ADAM, "threshold"),
    "rmsprop": (
        *("decay", "eps", "initial_scale", "eps_in_sqrt", "centered", "momentum", "nesterov"),
        "bias_correction",
    ),
    "rprop": ("eta_minus", "eta_plus", "min_step_size", "max_step_size"),
    "sgd": ("momentum", "nesterov"),
    "sign_sgd": (),
    "signum": ("beta",),
    "sm3": ("momentum",),
    "yogi": ("b1", "b2", "eps"),
}
"""Names of optimisers, and of their settings besides the learning rate."""

WITHOUT_LEARNING_RATE = (LBFGS, "polyak_sgd")
"""These find the lengths of their steps themselves."""

WITHOUT_SCHEDULE = (*WITHOUT_LEARNING_RATE, "rprop", "sm3")
"""These take one learning rate for all steps."""

SCHEDULES: dict[str, tuple[str, ...]] = {
    "constant_schedule": ("value",),
    "cosine_decay_schedule": ("init_value", "decay_steps", "alpha", "exponent"),
    "cosine_onecycle_schedule": (
        *("transition_steps", "peak_value", "pct_start", "div_factor", "final_div_factor"),
    ),
    "exponential_decay": (
        *("init_value", "transition_steps", "decay_rate", "transition_begin", "staircase"),
        "end_value",
    ),
    "linear_onecycle_schedule": (
        *("transition_steps", "peak_value", "pct_start", "pct_final", "div_factor"),
        "final_div_factor",
    ),
    "linear_schedule": ("init_value", "end_value", "transition_steps", "transition_begin"),
    "polynomial_schedule": ("init_value", "end_value", "power", "transition_steps", "transition_begin"),
    "warmup_constant_schedule": ("init_value", "peak_value", "warmup_steps"),
    "warmup_cosine_decay_schedule": (
        *("init_value", "peak_value", "warmup_steps", "decay_steps", "end_value", "exponent"),
    ),
    "warmup_exponential_decay_schedule": (
        *("init_value", "peak_value", "warmup_steps", "transition_steps", "decay_rate"),
        *("transition_begin", "staircase", "end_value"),
    ),
}
"""Names of schedules of the learning rate, and of their settings."""

REQUIRED: dict[str, tuple[str, ...]] = {
    "constant_schedule": ("value",),
    "cosine_decay_schedule": ("init_value", "decay_steps"),
    "cosine_onecycle_schedule": ("transition_steps", "peak_value"),
    "exponential_decay": ("init_value", "transition_steps", "decay_rate"),
    "linear_onecycle_schedule": ("transition_steps", "peak_value"),
    "linear_schedule": ("init_value", "end_value", "transition_steps"),
    "polynomial_schedule": ("init_value", "end_value", "power", "transition_steps"),
    "warmup_constant_schedule": ("init_value", "peak_value", "warmup_steps"),
    "warmup_cosine_decay_schedule": ("init_value", "peak_value", "warmup_steps", "decay_steps"),
    "warmup_exponential_decay_schedule": (
        *("init_value", "peak_value", "warmup_steps", "transition_steps", "decay_rate"),
    ),
}
"""Settings without which a schedule cannot be made."""
