"""How much of a network a guest may use: `Quotas`, and the network that keeps to them."""

from wasihost.network.quotas.network import QuotaNetwork
from wasihost.network.quotas.quotas import Quotas

__all__ = ["QuotaNetwork", "Quotas"]
