"""What is optimised and remembered: Prompt, the hand-written library, the history."""
