"""How fast is the manual engine beside TensorFlow?"""
