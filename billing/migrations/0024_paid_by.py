"""A payment knows the card or account that paid it. Payments of before do not: theirs is not told by the saved card."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("billing", "0023_what_it_costs_us")]
    operations = [
        migrations.AddField("payment", "paid_by_brand", models.CharField(db_default="", default="", max_length=30)),
        migrations.AddField("payment", "paid_by_last4", models.CharField(db_default="", default="", max_length=4)),
    ]
