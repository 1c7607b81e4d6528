# SPDX-License-Identifier: MIT
from .driver import Driver  # noqa: F401  (Gajim takes the first class that it finds here)
