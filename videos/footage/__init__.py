"""A small Action-Swap set of real pixels: people of real videos over real photographs, in HAT's format."""
