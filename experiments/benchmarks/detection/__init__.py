"""Who sees a wrong gradient, and who accuses a right one?"""
