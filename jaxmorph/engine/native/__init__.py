"""Kernels that JAX does not make: LLVM code for this processor, called from a compiled program."""
