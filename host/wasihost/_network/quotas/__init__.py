"""How much of a network a guest may use: `Quotas`, and the network that keeps to them."""

from wasihost._network.quotas.network import QuotaNetwork
from wasihost._network.quotas.quotas import Quotas

__all__ = ["QuotaNetwork", "Quotas"]
