"""``python -m benchmarks`` (``make bench``): jaxmorph beside what else computes these gradients."""
