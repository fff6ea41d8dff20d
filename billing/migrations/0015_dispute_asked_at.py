"""Of two answers of Stripe's about a dispute, the one that was asked for later counts."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0014_records_of_key'),
    ]

    operations = [
        migrations.AddField(
            model_name='dispute',
            name='asked_at',
            field=models.DateTimeField(null=True),
        ),
    ]
