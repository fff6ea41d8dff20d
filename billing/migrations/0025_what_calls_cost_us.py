"""Sums know what calls cost at the providers: the house, and workspaces on their own accounts."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0024_paid_by'),
    ]

    operations = [
        migrations.AddField(
            model_name='usagerollup',
            name='byok_nanousd',
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='usagerollup',
            name='list_nanousd',
            field=models.BigIntegerField(db_default=0, default=0),
        ),
    ]
