"""Article C, third part: 15 hidden units learn digits, compress images, and time numerical gradients."""
