"""The world of a component: its types, their layout, its imports and exports, and the part that goes through the
adapter."""
