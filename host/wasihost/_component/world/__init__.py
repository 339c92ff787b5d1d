"""What a component is: its types, their layout, what it imports and exports, and what of it goes through the
adapter."""
