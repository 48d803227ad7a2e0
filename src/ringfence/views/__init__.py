"""How people look at lists: filters that they saved, and the columns that they chose."""
