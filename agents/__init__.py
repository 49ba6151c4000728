"""Who proposes and who decides: strategies, guard, budget, the loop."""
