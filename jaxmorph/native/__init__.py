"""Code for this processor from elementwise jaxprs, written in LLVM's language and called by XLA."""

from .foreign import refusal
from .library import add, compile_module, vector_bytes

__all__ = ["add", "compile_module", "refusal", "vector_bytes"]
