from . import distributions as distributions
from . import env as env
from . import observables as observables
from . import sensitivity as sensitivity
from . import space as space
from . import studies as studies
from . import visualization as visualization
from .errors import JaxmorphError as JaxmorphError
from .simulation import bernoulli as bernoulli
from .simulation import categorical as categorical
from .simulation import gaussian as gaussian
from .simulation import record as record
from .simulation import scan as scan
from .simulation import simulate as simulate
from .state import BaseCellState as BaseCellState
from .steps import Sequential as Sequential
from .steps import SimulationStep as SimulationStep
from .studies import Observable as Observable
from .studies import Parameter as Parameter
from .studies import Recording as Recording
from .studies import StateVariable as StateVariable
from .studies import Study as Study
from .tracing import discount_gradient as discount_gradient

__version__: str
