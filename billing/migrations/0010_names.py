from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0009_usage_record_row'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='books',
            options={'verbose_name_plural': 'books'},
        ),
        migrations.AlterModelOptions(
            name='meterbatch',
            options={'verbose_name_plural': 'meter batches'},
        ),
        migrations.AlterModelOptions(
            name='rejectedusage',
            options={'verbose_name_plural': 'rejected usage'},
        ),
    ]
