from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_operator")]
    operations = [
        migrations.AddField(
            model_name="apikey",
            name="form_nonce",
            field=models.UUIDField(blank=True, editable=False, null=True),
        ),
        migrations.AddConstraint(
            model_name="apikey",
            constraint=models.UniqueConstraint(fields=("workspace", "form_nonce"), name="api_key_once_a_form"),
        ),
    ]
