"""Door of this room; see DESIGN.md section 3."""
