"""The cells of the reference notebook, run with only the import's name changed."""
# ruff: noqa: E501  (the cells are as they were written)

import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import jax
import matplotlib
import numpy as np
import pytest
from matplotlib.animation import FuncAnimation

import jaxmorph as jxm

IMPORTS = """
import jax
import jax.numpy as np
jax.config.update("jax_enable_x64", True)

key = jax.random.PRNGKey(0)

import jaxmorph as jxm
import equinox as eqx
import jax_md


import matplotlib.pyplot as plt
"""

ANIMATIONS = """
from matplotlib.animation import FuncAnimation
from IPython.display import HTML


def animate_traj_ctype(trajectory, xlim=(-25, 25), ylim=(-25, 25)):

    sim_steps = trajectory.position.shape[0]

    def animate(i):

        ax.clear()  # Clear the axis to remove the previous frame
        ax.set_aspect('equal', 'box')
        ax.set_xlim(xlim)
        ax.set_ylim(ylim)
        ax.set_xticks([])
        ax.set_yticks([])


        state = jxm.BaseCellState(None,
                                  None,
                                  trajectory.position[i],
                                  trajectory.celltype[i],
                                  trajectory.radius[i],
                                  )

        jxm.visualization.draw_circles_ctype(state, ax=ax)

    fig, ax = plt.subplots()
    ax.set_aspect('equal', 'box')
    ax.set_xlim(xlim)
    ax.set_ylim(ylim)
    ax.set_xticks([])
    ax.set_yticks([])

    anim = FuncAnimation(fig, animate, frames=sim_steps, interval=100)

    html_anim = HTML(anim.to_jshtml())

    plt.close()

    return html_anim




def animate_traj_chem(trajectory, chem=0, xlim=(-25, 25), ylim=(-25, 25), colorbar=False):

    sim_steps = trajectory.position.shape[0]

    cm = plt.cm.YlGn


    #we only need the chemical field for the plot
    class PlottingCellState(jxm.BaseCellState):
        chemical: np.ndarray

    def animate(i):

        ax.clear()  # Clear the axis to remove the previous frame
        ax.set_aspect('equal', 'box')
        ax.set_xlim(xlim)
        ax.set_ylim(ylim)
        ax.set_xticks([])
        ax.set_yticks([])

        state = PlottingCellState(None,
                            None,
                            trajectory.position[i],
                            trajectory.celltype[i],
                            trajectory.radius[i],
                            trajectory.chemical[i]
                            )


        jxm.visualization.draw_circles_chem(state, chem, colorbar=False, cm=cm, ax=ax)

    fig, ax = plt.subplots()
    ax.set_aspect('equal', 'box')
    ax.set_xlim(xlim)
    ax.set_ylim(ylim)
    ax.set_xticks([])
    ax.set_yticks([])

    if colorbar:
        vmax = np.max(trajectory.chemical)

        sm = plt.cm.ScalarMappable(cmap=cm, norm=plt.Normalize(vmin=0, vmax=vmax))
        sm._A = []

        cbar = fig.colorbar(sm, ax=ax, fraction=.05, alpha=.5) # rule of thumb
        cbar.set_label('Conc. Chem. '+str(chem), labelpad=20)


    anim = FuncAnimation(fig, animate, frames=sim_steps, interval=100)

    html_anim = HTML(anim.to_jshtml())

    plt.close()

    return html_anim
"""

INITIAL_STATE = """
### CREATE INITIAL STATE


N_CELLS = 10


### INITIALIZE FIELD VALUES

displacement_fn, shift_fn = jax_md.space.free()

key, pos_subkey, rad_subkey = jax.random.split(key, 3)
pos = jax.random.uniform(pos_subkey, (N_CELLS, 2), minval=-5.0, maxval=5.0)
ctype = np.ones((N_CELLS,1))
rad = jax.nn.relu(jax.random.normal(shape=(N_CELLS, 1), key=rad_subkey)*.1 + .3)


istate = jxm.BaseCellState(displacement=displacement_fn, shift=shift_fn, position=pos, celltype=ctype, radius=rad)

print(istate)
"""

LOSS = """
def avg_dist_loss(model, istate, run_key, n_steps):

    fstate = jxm.simulate(model, istate, key=run_key, n_steps=n_steps)

    #avg cell distance from center of cluster
    center = np.mean(fstate.position, axis=0)
    avg_dist = np.linalg.norm(fstate.position - center, axis=1).mean()

    return avg_dist
"""

MODEL = """
### DEFINE SIMULATION STEP


mech_potential = jxm.env.mechanics.MorsePotential(epsilon=np.asarray(3.), alpha=np.asarray(3.), r_cutoff=20., r_onset=15.)


model = jxm.Sequential([

    #cell radius grows linearly in time
    jxm.env.CellGrowth(growth_rate=.005, max_radius=2., growth_type='linear'),

    #cells move with brownian dynamics for 100 steps after each growth step
    jxm.env.mechanics.BrownianMechanicalRelaxation(mech_potential, relaxation_steps=10, kT=1., dt=1e-4)
])
"""

GRADIENT = """
key, subkey = jax.random.split(key)

g = eqx.filter_grad(avg_dist_loss)(model, istate, subkey, 100)

print(g)
"""

MODEL_2 = """
### DEFINE SIMULATION STEP


mech_potential = jxm.env.mechanics.MorsePotential(epsilon=3., alpha=3., r_cutoff=20., r_onset=15.)


model = jxm.Sequential([

    #cell radius grows linearly in time
    jxm.env.CellGrowth(growth_rate=.005, max_radius=np.asarray(2.), growth_type='linear'),

    #cells move with brownian dynamics for 100 steps after each growth step
    jxm.env.mechanics.BrownianMechanicalRelaxation(mech_potential, relaxation_steps=10, kT=1., dt=1e-4)
])
"""

CUSTOM_GRADIENT = """
import jax
import jax.numpy as jnp

# Define the forward function
def f_fwd(x):
    return x  # Identity operation

# Define the backward function
def f_bwd(res, g):
    return (g * constant,)  # Multiply gradient by a constant

# Apply the custom_vjp decorator
f = jax.custom_vjp(f_fwd)

# Define the custom VJP rules
f.defvjp(lambda x: (x, None),  # Forward VJP rule
         lambda res, g: f_bwd(res, g))  # Backward VJP rule

# Example usage
x = jnp.array([1.0, 2.0, 3.0])
constant = 4.0  # Define the constant to multiply with gradient

y = f(x)
grad = jax.grad(lambda x: jnp.sum(f(x)))(x)
"""


class Cells:
    """The notebook's kernel."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {}

    def run(self, *cells: str) -> None:
        for cell in cells:
            exec(cell, self.names)

    def __getitem__(self, name: str) -> Any:
        return self.names[name]


@pytest.fixture(params=["a stand-in for jax-md", pytest.param("jax-md", marks=pytest.mark.slow)])
def notebook(request: pytest.FixtureRequest) -> Iterator[Cells]:
    """A kernel after the imports; the notebook sets JAX's global flag, which is put back.

    Of jax-md, the cells take only free space; loading it takes ten seconds.
    """
    matplotlib.use("agg")
    before = jax.config.read("jax_enable_x64")
    cells = Cells()
    with pytest.MonkeyPatch.context() as patch:
        if request.param != "jax-md":
            patch.setitem(sys.modules, "jax_md", SimpleNamespace(space=jxm.space))
        try:
            cells.run(IMPORTS)
            yield cells
        finally:
            jax.config.update("jax_enable_x64", before)


def printed_words(capsys: pytest.CaptureFixture[str]) -> str:
    """What was printed, on one line; newer Equinox marks weak types, as JAX itself always did."""
    return " ".join(capsys.readouterr().out.split()).replace("weak_", "")


def test_gradients_and_what_is_printed(notebook: Cells, capsys: pytest.CaptureFixture[str]) -> None:
    notebook.run(INITIAL_STATE)
    printed = capsys.readouterr().out
    for line in ("BaseCellState(", "position=f64[10,2]", "celltype=f64[10,1]", "radius=f64[10,1]"):
        assert line in printed
    notebook.run(LOSS, MODEL, GRADIENT)
    leaves = jax.tree.leaves(notebook["g"])
    # JAX's default random layout; see test_known_answers.py for the digits.
    np.testing.assert_allclose(leaves, [0.004224904319166, 0.023100913546456], rtol=3e-7)
    printed = printed_words(capsys)
    assert "max_radius=None, growth_rate=None" in printed
    assert "epsilon=f64[], alpha=f64[]" in printed
    notebook.run(MODEL_2, GRADIENT)
    np.testing.assert_allclose(jax.tree.leaves(notebook["g"]), [-0.000573371402666], rtol=3e-7)
    printed = printed_words(capsys)
    assert "max_radius=f64[], growth_rate=None" in printed
    assert "epsilon=None, alpha=None" in printed


def test_the_custom_gradient_is_the_discount(notebook: Cells) -> None:
    notebook.run(CUSTOM_GRADIENT)
    np.testing.assert_array_equal(notebook["y"], [1, 2, 3])
    np.testing.assert_array_equal(notebook["grad"], [4, 4, 4])
    ours = jax.grad(lambda x: jxm.discount_gradient(x, 4.0).sum())(notebook["x"])
    np.testing.assert_array_equal(ours, notebook["grad"])


def test_animations_of_the_notebook_and_of_the_library(notebook: Cells) -> None:
    with pytest.MonkeyPatch.context() as patch:  # IPython itself is not needed
        patch.setitem(sys.modules, "IPython", SimpleNamespace())
        patch.setitem(sys.modules, "IPython.display", SimpleNamespace(HTML=str))
        notebook.run(ANIMATIONS)
    notebook.run(INITIAL_STATE, MODEL)
    notebook.run(
        """
class ChemicalState(jxm.BaseCellState):
    chemical: np.ndarray

cells = ChemicalState(displacement_fn, shift_fn, pos, ctype, rad, np.linspace(0, 2, 20).reshape(10, 2))
trajectory = jxm.simulate(model, cells, key=key, n_steps=3, history=True)
pages = [
    animate_traj_ctype(trajectory),
    animate_traj_chem(trajectory, chem=1, colorbar=True),
]
"""
    )
    trajectory = notebook["trajectory"]
    assert trajectory.chemical.shape == (3, 10, 2)
    ours = [
        jxm.visualization.animate_traj_ctype(trajectory),
        jxm.visualization.animate_traj_chem(trajectory, chem=1, colorbar=True),
    ]
    for theirs, animation in zip(notebook["pages"], ours, strict=True):
        assert isinstance(animation, FuncAnimation)
        page = animation.to_jshtml()
        # One picture a frame.
        assert theirs.count("data:image/png") == page.count("data:image/png") == 3
