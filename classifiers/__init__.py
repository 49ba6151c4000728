"""The sibling: action classifiers that solve by architecture what prompts solve by words."""
