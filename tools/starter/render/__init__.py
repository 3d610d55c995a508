"""An optional tool: people, animals, plants and things rendered by Blender, each with the alpha it truly has.

Nothing else of the project imports this package, and importing it does not import Blender's ``bpy``; only a run of
``python -m tools.starter.render`` does. ``tools/starter/render/README.md`` says what is needed and what comes out.

All of Blender's space is in metres, z up; a person looks along -y before turning.
"""
