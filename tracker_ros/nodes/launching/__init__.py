"""What the launch files share: arguments, parameter files, how a launch ends.

Imports without ROS 2's ``launch``, which is not on PyPI; only what makes its actions needs it.
"""
