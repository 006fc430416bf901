"""First and total indices at equal cost, by jaxmorph and by others: ``make bench-indices``."""
