"""Options, outputs and tables that several commands share."""
