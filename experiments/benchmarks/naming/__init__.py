"""How often is a mistake named rightly?"""
