"""Why a shape does not fit, and what would."""
